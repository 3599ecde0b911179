package main

// act is what clients do.
type act struct {
	id    string              // in the record
	name  string              // in the tables
	short string              // in the plots
	plan  func([]string) plan // from the ids of the owner's todos

	// open says that the request needs no token, and gets none.
	open bool
}

// The acts that others are compared with.
const (
	healthz = "healthz"
	me      = "me"
)

// acts are all of them, in the order of the tables.
func acts() []act {
	return []act{
		{id: healthz, short: "GET /healthz", name: "`GET /healthz`", plan: planAlways(get("/healthz")), open: true},
		{id: me, short: "GET /me", name: "`GET /me`", plan: planAlways(get("/me"))},
		{id: "list", short: "list", name: "list 100 todos, `GET /todos`", plan: planAlways(list())},
		{id: "get", short: "get", name: "get one todo, `GET /todos/{id}`", plan: planGets},
		{id: "create", short: "create", name: "create a todo, `POST /todos`", plan: planAlways(create())},
		{id: "edit", short: "edit", name: "edit a todo, `PATCH /todos/{id}`", plan: planEdits},
		{id: "mix", short: "90/10", name: "90 % reading, 10 % writing", plan: planMix},
	}
}

// cell is one measurement: an act on a database.
type cell struct {
	act
	on database
}

// id is that in the record.
func (c cell) id() string { return c.act.id + "/" + c.on.id }

// fixed reports whether no database is asked.
func (c cell) fixed() bool { return c.act.id == healthz || c.act.id == me }

// cells are all of them, in the order of the measuring and of the tables: what is to be
// compared lies next to each other in time.
func cells() (all []cell) {
	for _, a := range acts() {
		switch a.id {
		case healthz, me:
			all = append(all, cell{a, onSQLite()})
		case "create":
			all = append(all, cell{a, onSQLite()}, cell{a, onPostgres()}, cell{a, onSilentPostgres()})
		default:
			all = append(all, cell{a, onSQLite()}, cell{a, onPostgres()})
		}
	}
	return all
}
