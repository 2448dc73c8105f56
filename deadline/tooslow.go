package deadline

import "github.com/trellis-go/trellis/cancelscope"

// A TooSlowError is returned by [FailAfter], [FailAt], [FailScope] and [Call] when the
// time limit cut the work short: see [cancelscope.TooSlowError].
type TooSlowError = cancelscope.TooSlowError
