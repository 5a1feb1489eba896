using CsCheck;
using FleetMdm.Grains.Assignments;
using FleetMdm.Grains.Devices;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>How an iPad becomes what it is assigned to be, without a grain and a store: with an iPad that is played.</summary>
public sealed class PlanPartTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);

    private static PlanEntry Entry(string id, PlanRank rank = PlanRank.Profile, int wanted = 1, bool keep = false, string? item = null, bool inForce = true, int number = 0) => new(
        id, $"name of {id}", item ?? $"item {id}", wanted, inForce, keep, (false, Start.AddMinutes(number)),
        new PlanContent(
            rank == PlanRank.App ? "InstallApplication" : rank == PlanRank.Setting ? "Settings" : "InstallProfile", id, rank == PlanRank.Setting ? null : $"org.{item ?? id}", [], rank, []));

    /// <summary>An iPad, its queue, and what is stored of its assignments.</summary>
    private sealed class PlayedIPad(params PlanEntry[] entries)
    {
        private readonly Dictionary<string, AssignmentStanding> _standings = [];
        private readonly List<(string Uuid, PlanSend Send)> _queue = [];
        private readonly Dictionary<string, (CommandEnding Ending, DateTimeOffset At, string? Summary)> _history = [];

        public List<PlanEntry> Entries { get; } = [.. entries];

        /// <summary>By item: the revision.</summary>
        public Dictionary<string, int> Has { get; } = [];

        /// <summary>In the order in which the iPad did them.</summary>
        public List<string> Done { get; } = [];

        public HashSet<string> Matches { get; } = [.. entries.Select(entry => entry.Id)];

        public Func<PlanSend, string?> Refuses { get; set; } = _ => null;

        public Func<PlanContent, string?> Misfit { get; set; } = _ => null;

        public LicenceState? Licence { get; set; }

        public string? WhyNoLicence { get; set; }

        public DateTimeOffset Now { get; set; } = Start.AddDays(1);

        public DateTimeOffset EnrolledAt { get; set; } = Start;

        public bool TellsProfiles { get; set; }

        public AssignmentStanding? Of(string id) => _standings.GetValueOrDefault(id);

        public IReadOnlyCollection<AssignmentStanding> Standings => _standings.Values;

        public int Commands { get; private set; }

        public PlanDecision Look(bool matches = true)
        {
            var decided = PlanPart.Decide(
                [.. _standings.Values.Select(one => _history.TryGetValue(one.CommandUuid ?? "", out var ended)
                    ? new AssignmentStandingRow(one, ended.Ending, ended.At, ended.Summary)
                    : new AssignmentStandingRow(one, null, null, null))],
                Entries.ToDictionary(entry => entry.Id),
                new PlanKnown
                {
                    Now = Now,
                    EnrolledAt = EnrolledAt,
                    Waiting = _queue.Select(one => one.Uuid).ToHashSet(),
                    Matches = matches ? Matches : null,
                    Profiles = TellsProfiles ? (Now.AddSeconds(-1), Has.Keys.Select(item => $"org.{item["item ".Length..]}").ToHashSet()) : null,
                    Apps = null,
                    Misfit = Misfit,
                    Licence = which => Licence is { } state ? new ContentLicence { AdamId = which.AdamId, Pricing = which.Pricing, SerialNumber = "S", State = state, Reason = WhyNoLicence, ChangedAt = Start } : null,
                    NewUuid = PlanCommands.NewUuid,
                });
            foreach (var (before, after) in decided.Changes)
            {
                Assert.Equal(before, _standings.GetValueOrDefault((before ?? after)!.AssignmentId));
                if (after is null) _standings.Remove(before!.AssignmentId);
                else _standings[after.AssignmentId] = after;
            }

            foreach (var send in decided.Sends) _queue.Add((send.CommandUuid, send));
            Commands += decided.Sends.Count;
            return decided;
        }

        /// <summary>Answers the next command. False: there is none.</summary>
        public bool Answer()
        {
            if (_queue is not [var (uuid, send), ..]) return false;
            _queue.RemoveAt(0);
            Now = Now.AddSeconds(2);
            var refusal = Refuses(send);
            _history[uuid] = (refusal is null ? CommandEnding.Acknowledged : CommandEnding.Error, Now, refusal);
            if (refusal is not null) return true;
            Done.Add((send.Remove ? "-" : "+") + send.Entry.Id);
            if (send.Remove) Has.Remove(send.Entry.Item);
            else Has[send.Entry.Item] = send.Entry.Wanted;
            return true;
        }

        /// <summary>The commands that wait are lost, as if a process had died between its writes.</summary>
        public void LoseQueue() => _queue.Clear();

        /// <summary>A command that was decided on and did not come into being.</summary>
        public void NeverQueued(string id, Func<AssignmentStanding, AssignmentStanding> becomes)
        {
            _queue.RemoveAll(one => one.Send.Entry.Id == id);
            _standings[id] = becomes(_standings[id]);
        }

        public void Erase()
        {
            foreach (var (uuid, _) in _queue) _history[uuid] = (CommandEnding.Erased, Now, null);
            _queue.Clear();
            Has.Clear();
            Now = Now.AddMinutes(1);
            EnrolledAt = Now;
        }

        /// <summary>Until nothing moves any more; the pauses pass.</summary>
        public int Settle(int most = 400)
        {
            var commands = Commands;
            for (var round = 0; round < most; round++)
            {
                var decided = Look();
                var answered = false;
                while (Answer()) answered = true;
                if (!answered && decided.Sends.Count == 0 && decided.Changes.Count == 0)
                {
                    if (_standings.Values.All(one => one.DueAt is null)) return Commands - commands;
                    Now = Now.AddDays(1);
                }

                Now = Now.AddSeconds(5);
            }

            return Commands - commands;
        }
    }

    [Fact]
    public void The_store_knows_the_commands_of_a_plan_by_how_they_begin()
    {
        Assert.StartsWith(AssignmentCommands.Bringing, PlanCommands.NewUuid(takes: false, "a"), StringComparison.Ordinal);
        var taking = PlanCommands.NewUuid(takes: true, "0b7c1d7e-52e5-4b8e-9c61-0f2a4d5e6b7c");
        Assert.StartsWith(AssignmentCommands.Taking, taking, StringComparison.Ordinal);
        // By its end the history of an iPad tells for which assignment it was.
        Assert.EndsWith("-0F2A4D5E6B7C", taking, StringComparison.Ordinal);
        Assert.True(PlanCommands.Is(taking));
    }

    [Fact]
    public void What_is_assigned_is_sent_once_and_then_nothing_more()
    {
        var pad = new PlayedIPad(Entry("a"), Entry("b", PlanRank.App), Entry("c", PlanRank.Setting));

        Assert.Equal(3, pad.Settle());

        Assert.All(pad.Standings, one => Assert.Equal((AssignmentState.Installed, 1, null), (one.State, one.Installed, one.DueAt)));
        Assert.Equal(0, pad.Settle());
    }

    [Fact]
    public void What_could_not_be_made_holds_up_nothing_and_is_tried_again_after_the_usual_pauses()
    {
        var pad = new PlayedIPad(Entry("a"), Entry("b", PlanRank.App));
        Assert.Equal(["a"], pad.Look().Sends.Select(send => send.Entry.Id));
        pad.NeverQueued("a", sent => PlanPart.NotMade(sent, "why", pad.Now));
        Assert.Equal((AssignmentState.Failed, 1, null, "why", pad.Now.AddMinutes(5)), (pad.Of("a")!.State, (int)pad.Of("a")!.Attempts, pad.Of("a")!.CommandUuid, pad.Of("a")!.Reason, pad.Of("a")!.DueAt));

        Assert.Equal(["b"], pad.Look().Sends.Select(send => send.Entry.Id));
        pad.Answer();
        pad.Now = pad.Now.AddMinutes(6);
        Assert.Equal(["a"], pad.Look().Sends.Select(send => send.Entry.Id));
        pad.NeverQueued("a", sent => PlanPart.NotMade(sent, "why", pad.Now));
        Assert.Equal((2, pad.Now.AddMinutes(30)), ((int)pad.Of("a")!.Attempts, pad.Of("a")!.DueAt!.Value));
        pad.Settle();
        Assert.All(pad.Standings, one => Assert.Equal(AssignmentState.Installed, one.State));
    }

    [Fact]
    public void What_others_are_made_before_waits_a_minute_without_a_failure_and_holds_up_nothing()
    {
        var pad = new PlayedIPad(Entry("a"), Entry("b", PlanRank.App));
        pad.Look();
        pad.NeverQueued("a", sent => PlanPart.Later(sent, pad.Now));

        Assert.Equal(["b"], pad.Look().Sends.Select(send => send.Entry.Id));
        pad.Answer();
        Assert.Empty(pad.Look().Sends);
        Assert.Equal((AssignmentState.Waiting, 0), (pad.Of("a")!.State, (int)pad.Of("a")!.Attempts));
        pad.Now = pad.Now.AddMinutes(1);
        Assert.Equal(["a"], pad.Look().Sends.Select(send => send.Entry.Id));
    }

    [Fact]
    public void Certificates_come_before_the_network_and_that_before_the_rest()
    {
        var pad = new PlayedIPad(Entry("app", PlanRank.App), Entry("wifi", PlanRank.Network), Entry("restrictions"), Entry("name", PlanRank.Setting), Entry("ca", PlanRank.Certificates));

        pad.Settle();

        Assert.Equal(["+ca", "+wifi", "+restrictions", "+name", "+app"], pad.Done);
    }

    [Fact]
    public void The_old_network_goes_only_when_the_new_one_is_there()
    {
        var pad = new PlayedIPad(Entry("old", PlanRank.Network));
        pad.Settle();
        pad.Entries.Add(Entry("new", PlanRank.Network));
        pad.Matches.Clear();
        pad.Matches.Add("new");
        var refused = 0;
        pad.Refuses = send => send.Entry.Id == "new" && refused++ < 3 ? "Wrong password." : null;

        pad.Look();
        Assert.Equal("It stays until \"name of new\" is on the iPad, so that the iPad keeps its network.", pad.Of("old")!.Reason);
        pad.Answer();
        pad.Look();
        Assert.Equal((AssignmentState.Failed, "Wrong password."), (pad.Of("new")!.State, pad.Of("new")!.Reason));
        Assert.True(pad.Has.ContainsKey("item old"));
        pad.Settle();

        Assert.Equal(["+old", "+new", "-old"], pad.Done);
        Assert.Null(pad.Of("old"));
    }

    [Fact]
    public void A_failure_is_tried_again_with_growing_pauses_and_its_words_are_kept()
    {
        var pad = new PlayedIPad(Entry("a")) { Refuses = _ => "No room." };
        var pauses = new List<double>();
        for (var round = 0; round < 7; round++)
        {
            pad.Look();
            Assert.True(pad.Answer());
            pad.Look(matches: false);
            Assert.Equal((AssignmentState.Failed, "No room."), (pad.Of("a")!.State, pad.Of("a")!.Reason));
            pauses.Add((pad.Of("a")!.DueAt!.Value - pad.Now).TotalMinutes);
            pad.Now = pad.Of("a")!.DueAt!.Value.AddSeconds(-1);
            Assert.Empty(pad.Look().Sends);
            pad.Now = pad.Now.AddSeconds(1);
        }

        Assert.Equal([5, 30, 120, 480, 1440, 1440, 1440], pauses);
        pad.Refuses = _ => null;
        pad.Settle();
        Assert.Equal((AssignmentState.Installed, (short)0, null), (pad.Of("a")!.State, pad.Of("a")!.Attempts, pad.Of("a")!.Reason));
    }

    [Fact]
    public void What_somebody_removed_on_the_iPad_comes_back()
    {
        var pad = new PlayedIPad(Entry("a"));
        pad.Settle();
        pad.Has.Clear();
        pad.Now = pad.Now.AddHours(1);
        pad.TellsProfiles = true;

        pad.Settle();

        Assert.Equal(["+a", "+a"], pad.Done);
    }

    [Fact]
    public void What_this_iPad_cannot_have_is_not_sent_and_is_when_it_can()
    {
        var pad = new PlayedIPad(Entry("a")) { Misfit = _ => "It needs supervision." };

        Assert.Equal(0, pad.Settle());
        Assert.Equal((AssignmentState.NotApplicable, "It needs supervision.", null), (pad.Of("a")!.State, pad.Of("a")!.Reason, pad.Of("a")!.DueAt));

        pad.Misfit = _ => null;
        Assert.Equal(1, pad.Settle());
        Assert.Equal(AssignmentState.Installed, pad.Of("a")!.State);
    }

    [Fact]
    public void Of_two_settings_of_the_same_only_the_newer_is_sent_and_the_other_says_why()
    {
        var pad = new PlayedIPad(Entry("x", PlanRank.Setting, item: "item name", number: 1), Entry("y", PlanRank.Setting, item: "item name", number: 2));

        pad.Settle();

        Assert.Equal(["+y"], pad.Done);
        Assert.Equal((AssignmentState.NotApplicable, "The assignment \"name of y\" says otherwise, and comes first."), (pad.Of("x")!.State, pad.Of("x")!.Reason));
        pad.Matches.Remove("y");
        pad.Settle();
        Assert.Equal(["+y", "+x"], pad.Done);
    }

    [Fact]
    public void A_profile_that_two_assignments_bring_is_sent_once_and_goes_with_the_last_of_them()
    {
        var pad = new PlayedIPad(Entry("x", item: "item same"), Entry("y", item: "item same"));
        pad.Settle();
        Assert.Single(pad.Done);
        Assert.All(pad.Standings, one => Assert.Equal(AssignmentState.Installed, one.State));

        pad.Matches.Remove("x");
        pad.Settle();
        Assert.Single(pad.Done);
        pad.Matches.Remove("y");
        pad.Settle();
        Assert.Equal(2, pad.Done.Count);
        Assert.StartsWith("-", pad.Done[1], StringComparison.Ordinal);
        Assert.Empty(pad.Standings);
    }

    [Fact]
    public void One_that_leaves_while_its_command_is_on_its_way_loses_what_arrived()
    {
        var pad = new PlayedIPad(Entry("a"));
        pad.Look();
        pad.Matches.Clear();
        pad.Look();

        pad.Settle();

        Assert.Equal(["+a", "-a"], pad.Done);
        Assert.Empty(pad.Standings);
    }

    [Fact]
    public void One_that_comes_back_while_another_one_of_the_same_profile_is_being_taken_away_is_sent_again()
    {
        var pad = new PlayedIPad(Entry("x", item: "item same"), Entry("y", item: "item same"));
        pad.Settle();
        pad.Matches.Clear();
        pad.Look();
        pad.Matches.Add(Assert.Single(pad.Standings, one => one.State == AssignmentState.Leaving).AssignmentId);
        pad.Look();

        pad.Settle();

        Assert.Equal(['+', '-', '+'], pad.Done.Select(done => done[0]));
        Assert.Equal(AssignmentState.Installed, Assert.Single(pad.Standings).State);
    }

    [Fact]
    public void One_that_is_kept_stays_on_the_iPad()
    {
        var pad = new PlayedIPad(Entry("a", keep: true));
        pad.Settle();
        pad.Matches.Clear();

        Assert.Equal(0, pad.Settle());

        Assert.Empty(pad.Standings);
        Assert.Single(pad.Has);
    }

    [Fact]
    public void A_removal_that_finds_nothing_to_remove_is_done()
    {
        var pad = new PlayedIPad(Entry("a"));
        pad.Settle();
        pad.Matches.Clear();
        pad.Refuses = _ => "The profile \"a\" is not installed.";

        pad.Settle();

        Assert.Empty(pad.Standings);
    }

    /// <summary>What can happen to an iPad, in any order.</summary>
    private static readonly Gen<(int What, int Which)[]> Days = Gen.Select(Gen.Int[0, 10], Gen.Int[0, 5]).Array[0, 40];

    [Fact]
    public void Whatever_happens_in_whatever_order_the_iPad_ends_as_it_is_assigned_and_commands_stop() => Days.Sample(days =>
    {
        PlanRank[] ranks = [PlanRank.Certificates, PlanRank.Network, PlanRank.Network, PlanRank.Profile, PlanRank.App, PlanRank.Setting];
        var pad = new PlayedIPad([.. ranks.Select((rank, number) => Entry($"e{number}", rank, number: number)), Entry("twin", PlanRank.Network, item: "item e1")]);
        pad.Matches.Clear();
        var refusing = new HashSet<string>();
        pad.Refuses = send => refusing.Contains(send.Entry.Id) ? "Not today." : null;
        foreach (var (what, which) in days)
        {
            var id = $"e{which}";
            switch (what)
            {
                case 0: pad.Matches.Add(id); break;
                case 1: pad.Matches.Remove(id); break;
                case 2: pad.Look(); break;
                case 3: pad.Answer(); break;
                case 4: pad.LoseQueue(); break;
                case 5: pad.Erase(); break;
                case 6:
                    pad.Entries[which] = pad.Entries[which] with { Wanted = pad.Entries[which].Wanted + 1 };
                    // The twin brings the same profile.
                    pad.Entries[^1] = pad.Entries[^1] with { Wanted = pad.Entries[1].Wanted };
                    break;
                case 7: if (!refusing.Remove(id)) refusing.Add(id); break;
                case 8: pad.Now = pad.Now.AddHours(7); break;
                case 9: if (!pad.Matches.Remove("twin")) pad.Matches.Add("twin"); break;
                default: pad.Look(matches: false); break;
            }
        }

        refusing.Clear();
        pad.Settle();

        var wanted = pad.Entries.Where(entry => pad.Matches.Contains(entry.Id)).GroupBy(entry => entry.Item).ToDictionary(group => group.Key, group => group.First().Wanted);
        // What was never removable stays.
        var has = pad.Has.Where(one => one.Key != "item e5" || wanted.ContainsKey(one.Key)).OrderBy(one => one.Key);
        Assert.Equal(wanted.OrderBy(one => one.Key), has);
        Assert.Equal(pad.Matches.Order(), pad.Standings.Select(one => one.AssignmentId).Order());
        Assert.All(pad.Standings, one => Assert.Equal(AssignmentState.Installed, one.State));
        Assert.Equal(0, pad.Settle());
    }, iter: 20_000, print: days => string.Join(" ", days.Select(day => $"{day.What}:{day.Which}")));

    private static PlanEntry Bought() => Entry("bought", PlanRank.App) with { Licence = new AssignedLicence("location", "1", "STDQ") };

    [Theory]
    [InlineData(null, null, "It waits for its licence of Apps and Books.")]
    [InlineData(LicenceState.Wanted, "No licence is left: 3 are missing.", "No licence is left: 3 are missing.")]
    [InlineData(LicenceState.Asked, null, "Apple gives the licence.")]
    [InlineData(LicenceState.Returning, null, "The licence is just given back. Then it is asked for again.")]
    public void An_app_that_was_bought_waits_for_its_licence_and_says_why(LicenceState? state, string? why, string words)
    {
        var ipad = new PlayedIPad(Bought(), Entry("profile")) { Licence = state, WhyNoLicence = why };
        ipad.Look();
        while (ipad.Answer()) ipad.Look();

        Assert.Equal((AssignmentState.Waiting, words), (ipad.Of("bought")!.State, ipad.Of("bought")!.Reason));
        Assert.Equal(["+profile"], ipad.Done);

        ipad.Licence = LicenceState.Held;
        ipad.Look();
        Assert.True(ipad.Answer());
        ipad.Look();
        Assert.Equal(AssignmentState.Installed, ipad.Of("bought")!.State);
    }

    [Fact]
    public void A_licence_that_the_iPad_does_not_see_is_tried_again_with_pauses_that_grow_and_fails_in_the_end()
    {
        var ipad = new PlayedIPad(Bought()) { Licence = LicenceState.Held, Refuses = _ => "The license was not found (9610)." };
        var pauses = new List<TimeSpan>();
        while (ipad.Of("bought")?.State != AssignmentState.Failed)
        {
            ipad.Look();
            if (ipad.Of("bought") is { State: AssignmentState.Waiting, DueAt: { } due } && due > ipad.Now)
            {
                pauses.Add(due - ipad.Now);
                // Not before its time, whatever happens.
                var commands = ipad.Commands;
                ipad.Look();
                Assert.Equal(commands, ipad.Commands);
                ipad.Now = due;
            }

            if (ipad.Of("bought")!.State == AssignmentState.Sent) ipad.Answer();
        }

        Assert.Equal(7, pauses.Count);
        Assert.Equal(pauses.Order(), pauses);
        Assert.Equal("The license was not found (9610).", ipad.Of("bought")!.Reason);
    }

    [Fact]
    public void Another_refusal_of_an_app_that_was_bought_is_a_failure_at_once()
    {
        var ipad = new PlayedIPad(Bought()) { Licence = LicenceState.Held, Refuses = _ => "The iPad is full." };
        ipad.Look();
        ipad.Answer();
        ipad.Look();
        Assert.Equal(AssignmentState.Failed, ipad.Of("bought")!.State);
    }
}
