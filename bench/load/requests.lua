-- For wrk: sends the requests of a file in turn. Each line is a method, a path and a
-- body, with tabs between them. After the last comes the first.
local requests, at = {}, 0

function init(args)
  local writing = { ["Content-Type"] = "application/json" }
  for name, value in pairs(wrk.headers) do
    writing[name] = value
  end
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^(%u+)\t([^\t]+)\t(.*)$")
    if body == "" then
      requests[#requests + 1] = wrk.format(method, path)
    else
      requests[#requests + 1] = wrk.format(method, path, writing, body)
    end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
