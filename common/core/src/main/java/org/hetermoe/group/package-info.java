/** Who is in a ZP group: workers by role and rank, and which of them owns which expert. */
package org.hetermoe.group;
