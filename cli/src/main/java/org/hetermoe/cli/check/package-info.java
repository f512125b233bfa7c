/** Commands that check and measure: parity with reference numbers, and benchmarks. */
package org.hetermoe.cli.check;
