package workload

var (
	ErrWork = errWork
	Goals   = goals
)
