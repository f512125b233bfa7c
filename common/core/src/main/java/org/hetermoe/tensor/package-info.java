/** Shapes and element types of tensors. Uses nothing but the JDK. */
package org.hetermoe.tensor;
