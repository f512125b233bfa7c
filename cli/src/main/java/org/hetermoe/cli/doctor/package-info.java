/** {@code hetermoe doctor}: what this machine has, and what the services would use of it. */
package org.hetermoe.cli.doctor;
