package resilience

// operator does what is asked of it outside of the bubble. Servers that are started in
// a bubble belong to it, and would stop its time.
type operator struct {
	work chan func()
	done chan struct{}
}

// newOperator is called outside of the bubble.
func newOperator() *operator {
	o := &operator{work: make(chan func()), done: make(chan struct{})}
	go func() {
		for f := range o.work {
			f()
			o.done <- struct{}{}
		}
		close(o.done)
	}()
	return o
}

func (o *operator) do(f func()) {
	o.work <- f
	<-o.done
}

func (o *operator) stop() {
	close(o.work)
	<-o.done
}
