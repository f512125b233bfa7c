/** The experts of a rank, whatever its role: computed for the tokens of all attention ranks. */
package org.hetermoe.train.expert;
