// Package chart has what the plots of this module have in common: the looks of the
// libraries, a legend, the ticks of logarithmic axes, and how an SVG is written.
package chart
