// Package todov1 is the gRPC interface of the todo service, generated from
// todo.proto. "go generate" makes it anew and needs protoc on the PATH.
package todov1

//go:generate go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
//go:generate go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
//go:generate sh -c "PATH=\"$(go env GOPATH)/bin:$PATH\" protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative todo.proto"
