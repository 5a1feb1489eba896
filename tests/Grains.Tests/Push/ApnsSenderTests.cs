using FleetMdm.Grains.Push;
using FleetMdm.VirtualFleet.Apns;

namespace FleetMdm.Grains.Tests.Push;

/// <summary>What becomes of pushes when APNs, or the way to it, is in trouble. By real sockets.</summary>
public sealed class ApnsSenderTests
{
    [Fact]
    public async Task A_push_wakes_the_iPad_with_its_push_magic_and_is_recorded()
    {
        await using var node = await PushNode.Start();
        var ipad = await node.Enrol();
        var woken = new TaskCompletionSource<ApnsNotification>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var online = node.Apns.Subscribe(ipad.Token, woken.SetResult);

        await ipad.Enqueue();

        var push = await woken.Task.WaitAsync(PushNode.Patience);
        Assert.Equal(ipad.PushMagic, push.PushMagic);
        Assert.Equal(node.Certificate.Topic, push.Topic);
        await node.Eventually(async () => await ipad.PushResult() == PushResult.Accepted);
    }

    [Fact]
    public async Task An_iPad_that_was_away_finds_its_push_when_it_comes_back()
    {
        await using var node = await PushNode.Start();
        var ipad = await node.Enrol();
        await ipad.Enqueue();
        await node.Apns.Statistics.When(seen => seen.Accepted == 1).WaitAsync(PushNode.Patience);
        var woken = new TaskCompletionSource<ApnsNotification>(TaskCreationOptions.RunContinuationsAsynchronously);

        using var online = node.Apns.Subscribe(ipad.Token, woken.SetResult);

        Assert.Equal(ipad.PushMagic, (await woken.Task.WaitAsync(PushNode.Patience)).PushMagic);
    }

    [Fact]
    public async Task Every_documented_refusal_has_its_consequence()
    {
        await using var node = await PushNode.Start();
        (int Status, string Reason)[] faults =
        [
            (400, "BadCollapseId"), (400, "BadExpirationDate"), (400, "BadMessageId"), (400, "BadPriority"), (400, "BadTopic"),
            (400, "DuplicateHeaders"), (400, "InvalidPushType"), (400, "MissingDeviceToken"), (400, "MissingTopic"),
            (400, "PayloadEmpty"), (400, "TopicDisallowed"), (404, "BadPath"), (405, "MethodNotAllowed"), (413, "PayloadTooLarge"),
        ];
        foreach (var (status, reason) in faults)
        {
            var ipad = await node.Enrol();
            node.Apns.Faults.ForToken(ipad.Token, new ApnsFault.Answer(status, reason));
            await ipad.Enqueue();
            await node.Eventually(async () => await ipad.PushResult() == reason);
            Assert.Null(await ipad.PushTokenDead());
        }
        Assert.Equal(faults.Length, node.Apns.Statistics.Requests);
        Assert.Equal(0, node.Counted(PushResult.Retried));
    }

    [Fact]
    public async Task A_dead_token_reaches_the_iPads_grain_and_is_not_pushed_to_again()
    {
        await using var node = await PushNode.Start();
        var since = TimeProvider.System.GetUtcNow().AddMinutes(1);
        (int Status, string Reason)[] answers = [(400, "BadDeviceToken"), (400, "DeviceTokenNotForTopic"), (410, "ExpiredToken"), (410, "Unregistered")];
        foreach (var (status, reason) in answers)
        {
            var ipad = await node.Enrol();
            node.Apns.Faults.ForToken(ipad.Token, new ApnsFault.Answer(status, reason, status == 410 ? since : null));

            await ipad.Enqueue();

            await node.Eventually(async () => await ipad.PushTokenDead() == reason);
            Assert.Equal(Interfaces.PushOutcome.NoPushToken, await ipad.Grain.Push());
        }
        Assert.Equal(answers.Length, node.Apns.Statistics.Requests);
    }

    [Fact]
    public async Task Pushes_for_one_iPad_that_wait_together_become_one()
    {
        await using var node = await PushNode.Start(settings: OneAtATime);
        var first = node.Target();
        var same = node.Target();
        using (node.Apns.HoldAnswers())
        {
            node.Push([first]);
            await node.Apns.Statistics.When(seen => seen.InFlight == 1).WaitAsync(PushNode.Patience);
            node.Push(Enumerable.Repeat(same, 20));
            await node.Eventually(() => node.Outbox.Count == 0);
        }

        await node.Apns.Statistics.When(seen => seen.Accepted == 2).WaitAsync(PushNode.Patience);
        await node.Eventually(() => node.Sender.Count == 0);
        Assert.Equal(2, node.Apns.Statistics.Requests);
    }

    [Fact]
    public async Task Single_pushes_go_before_those_of_an_operation()
    {
        await using var node = await PushNode.Start(settings: OneAtATime);
        var order = new List<string>();
        var all = Enumerable.Range(0, 20).Select(_ => node.Target()).ToList();
        var single = node.Target();
        using (node.Apns.HoldAnswers())
        {
            await node.Outbox.AddAsync(all, CancellationToken.None);
            await node.Apns.Statistics.When(seen => seen.InFlight == 1).WaitAsync(PushNode.Patience);
            await node.Eventually(() => node.Outbox.Count == 0);
            node.Push([single]);
            await node.Eventually(() => node.Outbox.Count == 0);
            foreach (var target in all.Append(single))
                _ = node.Apns.Subscribe(target.Token, _ => { lock (order) order.Add(target.EnrolmentId); });
        }

        await node.Eventually(() => { lock (order) return order.Count == 21; });
        // The first of the operation was under way already, and APNs hands over on the thread pool: a neighbour may overtake.
        Assert.InRange(order.IndexOf(single.EnrolmentId), 0, 3);
    }

    [Fact]
    public async Task There_are_never_more_requests_under_way_than_allowed()
    {
        await using var node = await PushNode.Start(settings: new Dictionary<string, string?>
        {
            ["Push:Connections"] = "2",
            ["Push:MaxInFlightPerConnection"] = "4",
        });
        using (node.Apns.HoldAnswers())
        {
            node.Push(Enumerable.Range(0, 60).Select(_ => node.Target()));
            await node.Apns.Statistics.When(seen => seen.InFlight == 8).WaitAsync(PushNode.Patience);
        }

        await node.Apns.Statistics.When(seen => seen.Accepted == 60).WaitAsync(PushNode.Patience);
        Assert.Equal(8, node.Apns.Statistics.MostInFlight);
        Assert.Equal(4, node.Apns.Statistics.MostInFlightOnOneConnection);
        Assert.Equal(2, node.Apns.Statistics.Connections);
    }

    [Fact]
    public async Task A_small_stream_limit_of_APNs_is_obeyed()
    {
        await using var node = await PushNode.Start(new ApnsSimulatorOptions { MaxConcurrentStreams = 3 });
        node.Apns.Faults.AnswerDelay = TimeSpan.FromMilliseconds(5);

        node.Push(Enumerable.Range(0, 200).Select(_ => node.Target()));

        await node.Apns.Statistics.When(seen => seen.Accepted == 200).WaitAsync(PushNode.Patience);
        Assert.InRange(node.Apns.Statistics.MostInFlightOnOneConnection, 1, 3);
        Assert.Equal(200, node.Apns.Statistics.Requests);
    }

    [Fact]
    public async Task A_connection_that_breaks_in_the_middle_loses_no_push()
    {
        await using var node = await PushNode.Start();
        ApnsFault[] breakdowns = [ApnsFault.GoingAway, ApnsFault.ConnectionCut, ApnsFault.RefusedStream, new ApnsFault.Reset(2)];
        var sent = 0;
        foreach (var breakdown in breakdowns)
        {
            node.Push(Enumerable.Range(0, 100).Select(_ => node.Target()));
            node.Apns.Faults.Next(breakdown, 3);
            node.Push(Enumerable.Range(0, 100).Select(_ => node.Target()));
            sent += 200;

            await node.Eventually(() => node.Counted(PushResult.Accepted) == sent);
            await node.Eventually(() => node.Sender.Count == 0);
        }
    }

    [Fact]
    public async Task A_request_that_hangs_is_given_up_at_its_deadline_and_sent_again()
    {
        await using var node = await PushNode.Start(settings: QuickDeadline);
        node.Apns.Faults.Next(ApnsFault.Silence);

        node.Push([node.Target()]);

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1);
        Assert.Equal(1, node.Counted(PushResult.Retried));
        Assert.Equal(2, node.Apns.Statistics.Requests);
    }

    [Fact]
    public async Task A_connection_on_which_nothing_is_answered_any_more_is_given_up_for_a_new_one()
    {
        await using var node = await PushNode.Start(settings: new Dictionary<string, string?>(QuickDeadline) { ["Push:Connections"] = "1" });
        node.Apns.Faults.Next(ApnsFault.Silence, 30);

        node.Push(Enumerable.Range(0, 30).Select(_ => node.Target()));

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 30);
        Assert.Equal(2, node.Apns.Statistics.Connections);
    }

    [Fact]
    public async Task Retry_after_is_waited_for_by_all_pushes_of_that_connection()
    {
        await using var node = await PushNode.Start(settings: new Dictionary<string, string?> { ["Push:Connections"] = "1" });
        node.Apns.Faults.Next(new ApnsFault.Answer(503, "ServiceUnavailable", RetryAfterSeconds: 2));
        var started = TimeProvider.System.GetTimestamp();

        node.Push([node.Target()]);
        await node.Eventually(() => node.Counted(PushResult.Retried) == 1);
        node.Push([node.Target()]);

        await node.Apns.Statistics.When(seen => seen.Requests == 2).WaitAsync(PushNode.Patience);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.FromSeconds(2), PushNode.Patience);
        await node.Eventually(() => node.Counted(PushResult.Accepted) == 2);
    }

    [Fact]
    public async Task A_busy_APNs_is_tried_again()
    {
        await using var node = await PushNode.Start();
        (int Status, string? Reason)[] answers = [(500, "InternalServerError"), (503, "Shutdown"), (400, "IdleTimeout"), (502, null)];
        foreach (var (status, reason) in answers)
            node.Apns.Faults.Next(new ApnsFault.Answer(status, reason));

        node.Push(answers.Select(_ => node.Target()));

        await node.Eventually(() => node.Counted(PushResult.Accepted) == answers.Length);
        Assert.Equal(answers.Length, node.Counted(PushResult.Retried));
    }

    [Fact]
    public async Task A_push_that_is_told_to_wait_very_long_is_left_to_the_sweep()
    {
        await using var node = await PushNode.Start();
        var ipad = await node.Enrol();
        node.Apns.Faults.ForToken(ipad.Token, new ApnsFault.Answer(503, "ServiceUnavailable", RetryAfterSeconds: 3000));

        await ipad.Enqueue();

        await node.Eventually(() => node.Counted("ServiceUnavailable") == 1);
        await node.Eventually(() => node.Sender.Count == 0);
        Assert.Null(await ipad.PushResult());
    }

    [Fact]
    public async Task Too_many_pushes_to_one_iPad_hold_back_that_iPad_only()
    {
        await using var node = await PushNode.Start();
        var busy = node.Target();
        node.Apns.Faults.ForToken(busy.Token, ApnsFault.TooManyRequests);

        node.Push([busy]);
        await node.Eventually(() => node.Counted(PushResult.Retried) == 1);
        node.Push([busy]);
        node.Push(Enumerable.Range(0, 50).Select(_ => node.Target()));

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 50);
        Assert.Equal(51, node.Apns.Statistics.Requests);
        Assert.Equal(1, node.Sender.Count);
    }

    [Fact]
    public async Task When_APNs_cannot_be_reached_pushes_wait_and_go_out_when_it_can()
    {
        await using var node = await PushNode.Start(settings: new Dictionary<string, string?> { ["Push:Connections"] = "1" });
        node.Apns.Faults.Always(ApnsFault.ConnectionCut);
        node.Push(Enumerable.Range(0, 10).Select(_ => node.Target()));
        await node.Eventually(() => node.Counted(PushResult.Retried) >= 10);

        node.Apns.Faults.Clear();

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 10);
    }

    [Fact]
    public async Task A_server_whose_certificate_is_not_from_the_trusted_root_gets_nothing()
    {
        using var stranger = new ApnsAuthority();
        var root = Path.GetTempFileName();
        await File.WriteAllTextAsync(root, stranger.RootPem);
        try
        {
            await using var node = await PushNode.Start(settings: new Dictionary<string, string?> { ["Push:TrustedRootFile"] = root });

            node.Push([node.Target()]);

            await node.Eventually(() => node.Counted(PushResult.Retried) >= 1);
            Assert.Equal(0, node.Apns.Statistics.Requests);
        }
        finally
        {
            File.Delete(root);
        }
    }

    [Fact]
    public async Task A_token_that_cannot_be_one_is_not_sent()
    {
        await using var node = await PushNode.Start();

        node.Push([node.Target(token: []), node.Target(token: new byte[300])]);

        await node.Eventually(() => node.Counted(PushResult.NoToken) == 2);
        Assert.Equal(0, node.Apns.Statistics.Requests);
    }

    [Fact]
    public async Task Operations_are_paced_and_wait_for_room()
    {
        await using var node = await PushNode.Start(settings: new Dictionary<string, string?> { ["Push:RatePerSecond"] = "100" });
        var started = TimeProvider.System.GetTimestamp();

        await node.Outbox.AddAsync([.. Enumerable.Range(0, 205).Select(_ => node.Target())], CancellationToken.None);
        node.Push([node.Target()]);
        await node.Apns.Statistics.When(seen => seen.Accepted >= 1).WaitAsync(PushNode.Patience);

        await node.Apns.Statistics.When(seen => seen.Accepted == 206).WaitAsync(PushNode.Patience);
        // 205 at 100 a second, of which 5 may go at once.
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.FromSeconds(1.9), PushNode.Patience);
    }

    [Fact]
    public async Task A_node_that_stops_sends_what_it_has_first()
    {
        var node = await PushNode.Start();
        var apns = node.Apns;
        node.Push(Enumerable.Range(0, 300).Select(_ => node.Target()));

        await node.DisposeAsync();

        Assert.Equal(300, apns.Statistics.Accepted);
    }

    private static readonly Dictionary<string, string?> OneAtATime = new()
    {
        ["Push:Connections"] = "1",
        ["Push:MaxInFlightPerConnection"] = "1",
    };

    private static readonly Dictionary<string, string?> QuickDeadline = new() { ["Push:AnswerSeconds"] = "1" };
}
