/** safetensors files and the Hugging Face layout of Mixtral's weights. */
package org.hetermoe.weights;
