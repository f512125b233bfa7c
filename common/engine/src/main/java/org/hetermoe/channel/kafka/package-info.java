/**
 * Frames by way of a broker: cut into records that the broker takes, and put together again. Knows
 * no Kafka client: records leave through a {@link org.hetermoe.channel.kafka.RecordOutlet} and come
 * in through {@link org.hetermoe.channel.kafka.KafkaTransport#deliver}.
 *
 * <p>Relies on what a broker promises within a partition: records of one producer stay in order
 * (idempotent producer), and the consumer begins before anyone sends. Records that come twice are
 * harmless; records that got lost fail the channel. That a peer has died is not noticed here.
 *
 * <p>A broker takes whatever it is given and deletes what it has no room for, read or not. So
 * receivers tell senders, on the senders' own partitions, how much of theirs they have let in
 * ({@link org.hetermoe.channel.kafka.Credit}), and senders wait while more than their share of a
 * window is on its way. Nobody waits for ever: a member that waits to send lets in all that comes
 * ({@link org.hetermoe.channel.Inbox}), credit among it, and one that leaves gives credit without
 * limit.
 */
package org.hetermoe.channel.kafka;
