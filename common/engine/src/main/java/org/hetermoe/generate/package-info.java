/** Continues text with a trained model. */
package org.hetermoe.generate;
