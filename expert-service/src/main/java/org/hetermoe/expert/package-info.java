/** The experts of every layer of a run, as a service: a worker of that role. */
package org.hetermoe.expert;
