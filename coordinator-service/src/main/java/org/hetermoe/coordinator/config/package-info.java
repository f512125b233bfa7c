/** What a coordinator lets its operator decide. */
package org.hetermoe.coordinator.config;
