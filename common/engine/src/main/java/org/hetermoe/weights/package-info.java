/**
 * safetensors files and the Hugging Face layout of Mixtral's weights. Files are not trusted: what
 * lies is rejected with the names of file and tensor. Elements in memory are F32 or I32,
 * little-endian.
 */
package org.hetermoe.weights;
