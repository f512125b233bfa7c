/**
 * Shapes, element types and tensors. A tensor is opaque: only the {@code Compute} that made it
 * knows where its elements live. Uses nothing but the JDK.
 */
package org.hetermoe.tensor;
