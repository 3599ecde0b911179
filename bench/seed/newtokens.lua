-- For wrk: each request bears the next token of a file that has one a line. After the
-- last comes the first.
local requests, at = {}, 0

function init(args)
  for token in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format(nil, nil, { Authorization = "Bearer " .. token })
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
