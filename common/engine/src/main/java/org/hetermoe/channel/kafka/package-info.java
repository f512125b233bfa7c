/**
 * Frames by way of a broker: cut into records that the broker takes, and put together again. Knows
 * no Kafka client: records leave through a {@link org.hetermoe.channel.kafka.RecordOutlet} and come
 * in through {@link org.hetermoe.channel.kafka.KafkaTransport#deliver}.
 *
 * <p>Relies on what a broker promises within a partition: records of one producer stay in order
 * (idempotent producer), and the consumer begins before anyone sends. Records that come twice are
 * harmless; records that got lost fail the channel. That a peer has died is not noticed here.
 */
package org.hetermoe.channel.kafka;
