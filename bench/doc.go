// Package bench measures Trellis beside other libraries that do the same work. It has
// benchmarks only: BenchmarkWork, a row for each piece of work, and BenchmarkGrowth,
// which has more and more of it. README.md says what they found and how to run them.
package bench
