/** Who is in a ZP group: workers by role and rank. */
package org.hetermoe.group;
