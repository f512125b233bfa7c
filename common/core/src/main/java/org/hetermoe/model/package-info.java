/** Sizes of models, the names of their parameters, and models that are known by name. */
package org.hetermoe.model;
