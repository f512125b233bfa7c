/**
 * Shapes and element types of tensors, and the host memory that they are transferred through. Uses
 * nothing but the JDK.
 */
package org.hetermoe.tensor;
