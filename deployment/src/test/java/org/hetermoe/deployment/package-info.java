/** Checks of {@code docker/} and {@code k8s/}, and the services on hosts of their own. */
package org.hetermoe.deployment;
