// Package activityscope runs the work of an activity so that it can be canceled.
//
// An activity is ordinary Go code with goroutines and a context.Context. It learns that its
// workflow has canceled it only from the answer to a heartbeat, so an activity that sends none is
// never interrupted. [Run] sends them. Inside, everything of github.com/trellis-go/trellis works as
// usual: nurseries, scopes, limits.
//
//	func BookHotel(ctx context.Context, trip Trip) (Booking, error) {
//		return activityscope.Run(ctx, func(ctx context.Context) (Booking, error) {
//			return hotels.Book(ctx, trip)
//		})
//	}
//
// context.Cause inside gives the reason for which the activity is to stop, as far as Temporal
// carries it: see [Why]. Why the workflow canceled the activity is not carried: the command has no
// field for it.
package activityscope
