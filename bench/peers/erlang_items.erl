%% erlang_items.erl - the items of the comparison that Erlang has, on one scheduler; bench.h
%% says what is printed.
-module(erlang_items).
-export([main/1]).

-define(LEAST_MS, 200).

main([Item, Param, Rounds]) ->
    "ask" = Item,
    N = calibrate(10000),
    Times = [round_of(N) || _ <- lists:seq(1, list_to_integer(Rounds))],
    io:format("~s\terlang\t~s\t~.6g\tns\tas gen:call does it~n", [Item, Param, lists:min(Times) * 1.0e6 / N]),
    halt(0).

%% CPU time is told in milliseconds.
calibrate(N) ->
    case round_of(N) of
        Ms when Ms >= ?LEAST_MS -> N;
        _ -> calibrate(2 * N)
    end.

cpu_ms() ->
    {Ms, _} = erlang:statistics(runtime),
    Ms.

round_of(N) ->
    Parent = self(),
    Server = spawn_link(fun serve/0),
    From = cpu_ms(),
    spawn_link(fun() -> ask(Server, N), Parent ! done end),
    receive done -> ok end,
    Ms = cpu_ms() - From,
    Server ! stop,
    Ms.

serve() ->
    receive
        {call, {From, Ref}, V} -> From ! {Ref, V}, serve();
        stop -> ok
    end.

%% A call that hears of the server's end, like gen:call/3.
ask(_, 0) -> ok;
ask(Server, N) ->
    Ref = erlang:monitor(process, Server, [{alias, demonitor}]),
    Server ! {call, {Ref, Ref}, N},
    receive
        {Ref, N} -> erlang:demonitor(Ref, [flush]);
        {'DOWN', Ref, _, _, Why} -> exit(Why)
    end,
    ask(Server, N - 1).
