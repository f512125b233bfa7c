/**
 * How fast a device is: profiles that were measured, derived from data sheets, or scaled; and the
 * catalogue of known kinds of GPU.
 */
package org.hetermoe.device;
