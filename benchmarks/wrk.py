"""What wrk is told to do."""

# The addresses of a file, one after the other, again and again; `paths` names it.
TURN = """
local paths, n = {{}}, 0
for line in io.lines("{paths}") do paths[#paths + 1] = line end
request = function()
  n = n % #paths + 1
  return wrk.format("GET", paths[n])
end
"""
