package deadline

import "github.com/trellis-go/trellis/cancelscope"

// A TooSlowError is returned by [FailAfter], [FailAt], [FailScope] and [Call], and set by
// the end function of [Limit], when the time limit cut the work short: see
// [cancelscope.TooSlowError].
type TooSlowError = cancelscope.TooSlowError
