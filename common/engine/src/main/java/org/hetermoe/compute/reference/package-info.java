/**
 * The device {@code reference}: plain loops in Java, slow and easy to read, against which every
 * fast device is checked. Sums are taken in double precision. It runs on the calling thread.
 */
package org.hetermoe.compute.reference;
