/** AdamW with fp32 state, learning-rate schedules, clipping by the global gradient norm. */
package org.hetermoe.optim;
