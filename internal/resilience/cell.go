package resilience

// Cell is a fault in a state.
type Cell struct {
	Fault *Fault
	State State
}

// Cells lists each fault in each state, fault by fault.
func Cells() []Cell {
	var cells []Cell
	for _, fault := range Faults() {
		for _, state := range States() {
			cells = append(cells, Cell{fault, state})
		}
	}
	return cells
}

// String returns the names of the fault and of the state.
func (c Cell) String() string { return c.Fault.Name + "/" + c.State.String() }

// Expect says what should be observed.
func (c Cell) Expect() Expectation { return c.Fault.effect.expectation(c.State) }
