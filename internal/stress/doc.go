// Package stress runs random tests again and again. Whatever fails says how to run the
// same thing once more, and a test that hangs shows where.
//
//	TRELLIS_STRESS=5m go test -race -run TestStress ./cancelscope ./nursery
//
// runs each stress test for five minutes instead of a few rounds, and
//
//	TRELLIS_SEED=0x2a go test -race -run '^TestStressTree$' ./nursery
//
// runs the rounds of one with that seed. The seed settles what each goroutine does, not
// when: it may need many rounds to fail again, for which TRELLIS_STRESS is good too.
package stress
