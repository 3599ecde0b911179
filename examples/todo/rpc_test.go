package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
	"github.com/bearerproof/bearerproof/examples/todo/todov1"
	"github.com/bearerproof/bearerproof/issuertest"
)

func TestALifeOfATodoOverGRPC(t *testing.T) {
	s := newService(t)
	client := todov1.NewTodoServiceClient(s.dial(t))
	ctx := with(t, s.full("alice"))

	todo, err := client.CreateTodo(ctx, &todov1.CreateTodoRequest{Title: "buy milk"})
	if err != nil || todo.GetTitle() != "buy milk" || todo.GetVersion() != 1 || todo.GetDone() {
		t.Fatalf("CreateTodo gave %v, %v", todo, err)
	}
	if got, err := client.GetTodo(ctx, &todov1.GetTodoRequest{Id: todo.GetId()}); err != nil || !proto.Equal(got, todo) {
		t.Errorf("GetTodo gave %v, %v", got, err)
	}
	got, err := client.UpdateTodo(ctx, &todov1.UpdateTodoRequest{Id: todo.GetId(), Done: new(true), IfVersion: new(int64(1))})
	if err != nil || !got.GetDone() || got.GetTitle() != "buy milk" || got.GetVersion() != 2 {
		t.Errorf("UpdateTodo gave %v, %v", got, err)
	}
	list, err := client.ListTodos(ctx, &todov1.ListTodosRequest{})
	if err != nil || len(list.GetTodos()) != 1 || !proto.Equal(list.GetTodos()[0], got) {
		t.Errorf("ListTodos gave %v, %v", list, err)
	}
	if _, err := client.DeleteTodo(ctx, &todov1.DeleteTodoRequest{Id: todo.GetId()}); err != nil {
		t.Error(err)
	}
	if _, err := client.GetTodo(ctx, &todov1.GetTodoRequest{Id: todo.GetId()}); status.Code(err) != codes.NotFound {
		t.Errorf("GetTodo after DeleteTodo gave %v", err)
	}
}

func TestBadCallsHaveTheirStatus(t *testing.T) {
	s := newService(t)
	conn := s.dial(t)
	todo, err := s.store.Create(t.Context(), "alice", "hers")
	if err != nil {
		t.Fatal(err)
	}
	full := s.full("alice")
	garbage := &emptypb.Empty{}
	garbage.ProtoReflect().SetUnknown([]byte("\x0a\x02\xff\xfe")) // field 1, a text that is not UTF-8
	type row struct {
		what, method, token string
		in                  proto.Message
		want                codes.Code
	}
	rows := []row{
		{"an empty title", "CreateTodo", full, &todov1.CreateTodoRequest{}, codes.InvalidArgument},
		{"a long title", "CreateTodo", full, &todov1.CreateTodoRequest{Title: strings.Repeat("a", 501)}, codes.InvalidArgument},
		{"U+0000 in a title", "CreateTodo", full, &todov1.CreateTodoRequest{Title: "a\x00"}, codes.InvalidArgument},
		{"a title that is not UTF-8", "CreateTodo", full, garbage, codes.InvalidArgument},
		{"an empty title in an edit", "UpdateTodo", full, &todov1.UpdateTodoRequest{Id: todo.ID, Title: new("")}, codes.InvalidArgument},
		{"an edit of another version", "UpdateTodo", full, &todov1.UpdateTodoRequest{Id: todo.ID, IfVersion: new(int64(2))}, codes.Aborted},
		{"a deletion of another version", "DeleteTodo", full, &todov1.DeleteTodoRequest{Id: todo.ID, IfVersion: new(int64(0))}, codes.Aborted},
		{"a page too large", "ListTodos", full, &todov1.ListTodosRequest{PageSize: 1001}, codes.InvalidArgument},
		{"a negative page", "ListTodos", full, &todov1.ListTodosRequest{PageSize: -1}, codes.InvalidArgument},
		{"a page of another service", "ListTodos", full, &todov1.ListTodosRequest{PageToken: "x\x00"}, codes.InvalidArgument},
		{"a message over 4 KiB", "CreateTodo", full, &todov1.CreateTodoRequest{Title: strings.Repeat("a", 4<<10)}, codes.ResourceExhausted},
		{"one of not quite 4 KiB", "CreateTodo", full, &todov1.CreateTodoRequest{Title: strings.Repeat("a", 4<<10-3)}, codes.InvalidArgument},
		{"a method that is not there", "StealTodo", full, &todov1.GetTodoRequest{}, codes.Unimplemented},
		{"no token", "ListTodos", "", &todov1.ListTodosRequest{}, codes.Unauthenticated},
		{"garbage as token", "ListTodos", "x.y.z", &todov1.ListTodosRequest{}, codes.Unauthenticated},
	}
	for _, id := range []string{"", "x", "\x00", "' OR 1=1", "01890000-0000-7000-8000-000000000000"} {
		rows = append(rows,
			row{"get " + id, "GetTodo", full, &todov1.GetTodoRequest{Id: id}, codes.NotFound},
			row{"update " + id, "UpdateTodo", full, &todov1.UpdateTodoRequest{Id: id}, codes.NotFound},
			row{"delete " + id, "DeleteTodo", full, &todov1.DeleteTodoRequest{Id: id}, codes.NotFound})
	}
	bob := s.full("bob")
	rows = append(rows,
		row{"get by bob", "GetTodo", bob, &todov1.GetTodoRequest{Id: todo.ID}, codes.NotFound},
		row{"update by bob", "UpdateTodo", bob, &todov1.UpdateTodoRequest{Id: todo.ID, IfVersion: new(int64(9))}, codes.NotFound},
		row{"delete by bob", "DeleteTodo", bob, &todov1.DeleteTodoRequest{Id: todo.ID}, codes.NotFound})
	for _, row := range rows {
		ctx := t.Context()
		if row.token != "" {
			ctx = with(t, row.token)
		}
		err := conn.Invoke(ctx, "/todo.v1.TodoService/"+row.method, row.in, &emptypb.Empty{})
		if status.Code(err) != row.want {
			t.Errorf("%s: %v, want %v", row.what, err, row.want)
		}
	}
	if left, err := s.store.Get(t.Context(), "alice", todo.ID); err != nil || left != todo {
		t.Errorf("after all that, the todo is %+v, %v", left, err)
	}
}

func TestPagesOverGRPC(t *testing.T) {
	s := newService(t)
	client := todov1.NewTodoServiceClient(s.dial(t))
	var want, got []string
	for range 101 {
		todo, err := s.store.Create(t.Context(), "alice", "x")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, todo.ID)
	}
	if out, err := client.ListTodos(with(t, s.full("alice")), &todov1.ListTodosRequest{}); err != nil || len(out.GetTodos()) != 100 || out.GetNextPageToken() == "" {
		t.Errorf("a page of no size has %d todos and then %q, %v, want 100 and more", len(out.GetTodos()), out.GetNextPageToken(), err)
	}
	in := &todov1.ListTodosRequest{PageSize: 40}
	for range 3 {
		out, err := client.ListTodos(with(t, s.full("alice")), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, todo := range out.GetTodos() {
			got = append(got, todo.GetId())
		}
		in.PageToken = out.GetNextPageToken()
	}
	if in.PageToken != "" || !slices.Equal(got, want) {
		t.Errorf("three pages gave %v and then %q, want %v", got, in.PageToken, want)
	}
}

func TestAWatchSendsTheCallersChanges(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *service) {
		client := todov1.NewTodoServiceClient(s.dial(t))
		stream := openWatch(t, client, s.full("alice"))
		if _, err := s.store.Create(t.Context(), "bob", "not hers"); err != nil {
			t.Fatal(err)
		}
		// What is done over HTTP is seen over gRPC.
		created := s.do(t, request{method: "POST", path: "/todos", token: s.full("alice"), body: `{"title":"hers"}`})
		path, todo := created.header.Get("Location"), fromJSON[todoJSON](t, created.body)
		want := &todov1.WatchTodosResponse{Kind: todov1.WatchTodosResponse_KIND_CREATED, Todo: &todov1.Todo{
			Id: todo.ID, Title: "hers", Version: 1, CreatedAt: timestamppb.New(todo.CreatedAt), UpdatedAt: timestamppb.New(todo.UpdatedAt),
		}}
		wantReceived(t, stream, want)
		edited := s.do(t, request{method: "PATCH", path: path, token: s.full("alice"), body: `{"done":true}`})
		want.Kind = todov1.WatchTodosResponse_KIND_UPDATED
		want.Todo.Done, want.Todo.Version, want.Todo.UpdatedAt = true, 2, timestamppb.New(fromJSON[todoJSON](t, edited.body).UpdatedAt)
		wantReceived(t, stream, want)
		s.do(t, request{method: "DELETE", path: path, token: s.full("alice")})
		wantReceived(t, stream, &todov1.WatchTodosResponse{Kind: todov1.WatchTodosResponse_KIND_DELETED, Todo: &todov1.Todo{Id: todo.ID, Version: 2}})
		s.store.EndWatches()
		if _, err := stream.Recv(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "stopping") {
			t.Errorf("when the server stops, the watch ends with %v, want Unavailable and why", err)
		}
	})
}

// openWatch opens a watch as the bearer of the token and waits until it is in place.
func openWatch(t *testing.T, client todov1.TodoServiceClient, token string) grpc.ServerStreamingClient[todov1.WatchTodosResponse] {
	t.Helper()
	stream, err := client.WatchTodos(with(t, token), &todov1.WatchTodosRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil {
		t.Fatal(err)
	}
	return stream
}

func wantReceived(t *testing.T, stream grpc.ServerStreamingClient[todov1.WatchTodosResponse], want *todov1.WatchTodosResponse) {
	t.Helper()
	if got, err := stream.Recv(); err != nil || !proto.Equal(got, want) {
		t.Fatalf("the watch sent %v, %v, want %v", got, err, want)
	}
}

// unauthenticated is a stream whose context has no token.
type unauthenticated struct {
	grpc.ServerStreamingServer[todov1.WatchTodosResponse]
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s unauthenticated) Context() context.Context { return s.ctx }

// SendHeader implements grpc.ServerStream.
func (unauthenticated) SendHeader(metadata.MD) error { return nil }

func TestAMethodWithoutAuthenticationIsNobodys(t *testing.T) {
	s := newService(t)
	nobodys, err := s.store.Create(t.Context(), "", "nobody's")
	if err != nil {
		t.Fatal(err)
	}
	open := &rpc{store: s.store, log: s.api.log, watchers: new(watchers)}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // for a watch that begins
	defer cancel()
	errs := make(map[string]error)
	_, errs["ListTodos"] = open.ListTodos(ctx, &todov1.ListTodosRequest{})
	_, errs["CreateTodo"] = open.CreateTodo(ctx, &todov1.CreateTodoRequest{Title: "x"})
	_, errs["GetTodo"] = open.GetTodo(ctx, &todov1.GetTodoRequest{Id: nobodys.ID})
	_, errs["UpdateTodo"] = open.UpdateTodo(ctx, &todov1.UpdateTodoRequest{Id: nobodys.ID})
	_, errs["DeleteTodo"] = open.DeleteTodo(ctx, &todov1.DeleteTodoRequest{Id: nobodys.ID})
	errs["WatchTodos"] = open.WatchTodos(&todov1.WatchTodosRequest{}, unauthenticated{ctx: ctx})
	for method, err := range errs {
		if status.Code(err) != codes.Internal {
			t.Errorf("%s gave %v, want Internal", method, err)
		}
	}
}

func TestAWatchOfASlowReaderEnds(t *testing.T) {
	s := newService(t)
	client := todov1.NewTodoServiceClient(s.dial(t))
	stream := openWatch(t, client, s.full("alice"))
	// More than the transport and the backlog hold together; writers never wait.
	title := strings.Repeat("é", store.MaxTitle)
	for range 400 {
		if _, err := s.store.Create(t.Context(), "alice", title); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	for err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("the watch ended with %v, want ResourceExhausted", err)
	}
}

func TestAWatchEndsWithItsToken(t *testing.T) {
	s := newService(t)
	client := todov1.NewTodoServiceClient(s.dial(t))
	token := s.issuer.Token(issuertest.Claims{"sub": "alice", "aud": "todo-api", "scope": "todos:read", "exp": time.Now().Add(2 * time.Second).Unix()})
	stream := openWatch(t, client, token)
	if _, err := stream.Recv(); status.Code(err) != codes.Unauthenticated {
		t.Errorf("the watch ended with %v, want Unauthenticated", err)
	}
}

func TestWhoMayCallWhat(t *testing.T) {
	s := newService(t)
	conn := s.dial(t)
	todo, err := s.store.Create(t.Context(), "alice", "hers")
	if err != nil {
		t.Fatal(err)
	}
	const ok, no, unknown = codes.OK, codes.PermissionDenied, codes.Unauthenticated
	for _, row := range []struct {
		method                                 string
		in                                     proto.Message
		withNone, withRead, withWrite, without codes.Code
	}{
		{"ListTodos", &todov1.ListTodosRequest{}, no, ok, no, unknown},
		{"GetTodo", &todov1.GetTodoRequest{Id: todo.ID}, no, ok, no, unknown},
		{"WatchTodos", &todov1.WatchTodosRequest{}, no, ok, no, unknown},
		{"CreateTodo", &todov1.CreateTodoRequest{Title: "b"}, no, no, ok, unknown},
		{"UpdateTodo", &todov1.UpdateTodoRequest{Id: todo.ID, Done: new(true)}, no, no, ok, unknown},
		{"DeleteTodo", &todov1.DeleteTodoRequest{Id: todo.ID}, no, no, ok, unknown},
	} {
		for _, c := range []struct {
			who, token string
			want       codes.Code
		}{
			{"nobody", "", row.without},
			{"a caller without a scope", s.token("alice", "profile"), row.withNone},
			{"a reader", s.token("alice", "todos:read"), row.withRead},
			{"a writer", s.token("alice", "todos:write"), row.withWrite},
		} {
			ctx := t.Context()
			if c.token != "" {
				ctx = with(t, c.token)
			}
			if got := status.Code(s.invoke(ctx, t, conn, row.method, row.in)); got != c.want {
				t.Errorf("%s by %s: %v, want %v", row.method, c.who, got, c.want)
			}
		}
	}
}

// invoke calls a method. Of a watch it wants one change of alice.
func (s *service) invoke(ctx context.Context, t *testing.T, conn *grpc.ClientConn, method string, in proto.Message) error {
	t.Helper()
	if method != "WatchTodos" {
		return conn.Invoke(ctx, "/todo.v1.TodoService/"+method, in, &emptypb.Empty{})
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	stream, err := todov1.NewTodoServiceClient(conn).WatchTodos(ctx, &todov1.WatchTodosRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil { // it is in place, or refused
		t.Fatal(err)
	}
	if _, err := s.store.Create(t.Context(), "alice", "new"); err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	return err
}

func TestHealthOverGRPCNeedsNoToken(t *testing.T) {
	s := newService(t)
	conn := s.dial(t)
	client := grpc_health_v1.NewHealthClient(conn)
	check := func() grpc_health_v1.HealthCheckResponse_ServingStatus {
		t.Helper()
		got, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
		if err != nil {
			t.Fatal(err)
		}
		return got.GetStatus()
	}
	if err := s.auth.keys.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := check(); got != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("health is %v", got)
	}
	s.store.Close()
	await(t, "health without a database is NOT_SERVING", func() bool { return check() == grpc_health_v1.HealthCheckResponse_NOT_SERVING })
}

func TestAHealthRequestThatCannotBeDecoded(t *testing.T) {
	s := newService(t)
	conn := s.dial(t)
	garbage := &emptypb.Empty{}
	garbage.ProtoReflect().SetUnknown([]byte("\x0a\x02\xff\xfe")) // field 1, a text that is not UTF-8
	err := conn.Invoke(t.Context(), grpc_health_v1.Health_Check_FullMethodName, garbage, &emptypb.Empty{})
	if status.Code(err) != codes.InvalidArgument || strings.Contains(err.Error(), "unmarshal") {
		t.Errorf("garbage without a token gave %v, want InvalidArgument", err)
	}
}

func TestOneOwnersWatchesAreBounded(t *testing.T) {
	s := newService(t)
	client := todov1.NewTodoServiceClient(s.dial(t))
	ctx, end := context.WithCancel(with(t, s.full("alice")))
	defer end()
	// watch says how a watch begins; a good one lasts as long as ctx.
	watch := func(ctx context.Context, owner string) codes.Code {
		stream, err := client.WatchTodos(ctx, &todov1.WatchTodosRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Header(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.store.Create(t.Context(), owner, "x"); err != nil {
			t.Fatal(err)
		}
		_, err = stream.Recv()
		return status.Code(err)
	}
	for i := range maxWatches {
		if got := watch(ctx, "alice"); got != codes.OK {
			t.Fatalf("watch %d gave %v", i+1, got)
		}
	}
	if got := watch(ctx, "alice"); got != codes.ResourceExhausted {
		t.Errorf("watch %d gave %v, want ResourceExhausted", maxWatches+1, got)
	}
	if got := watch(with(t, s.full("bob")), "bob"); got != codes.OK {
		t.Errorf("the watch of somebody else gave %v", got)
	}
	end() // the server hears of it a moment later
	again, limit := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer again.Stop()
	for watch(with(t, s.full("alice")), "alice") != codes.OK {
		select {
		case <-again.C:
		case <-limit:
			t.Fatal("the places of ended watches are not given back")
		}
	}
}
