using System.Text;
using System.Text.Json;
using CsCheck;
using FleetMdm.Grains.Assignments;
using FleetMdm.Grains.Devices;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Declarations;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Declarations;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>How an iPad comes to its declarations, without a grain and a store: with an iPad that is played.</summary>
public sealed class DeclarationPartTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);

    private static PlanEntry Passcode(string id, int length = 6, int wanted = 1, string? item = null, int number = 0) => Entry(
        id, $$$"""{"type": "com.apple.configuration.passcode.settings", "payload": {"MinimumLength": {{{length}}}}}""", wanted, item, number);

    private static PlanEntry Entry(string id, string json, int wanted = 1, string? item = null, int number = 0)
    {
        using var document = JsonDocument.Parse(json);
        return Entry(id, DeclaredThing.FromJson(document.RootElement), wanted, item, number);
    }

    private static PlanEntry Update(string id, string version, int wanted = 1, string deadline = "2026-12-04T18:00") => Entry(id, SoftwareUpdateOrder.Of(version, null, deadline, null).ToThing(), wanted);

    private static PlanEntry Entry(string id, DeclaredThing thing, int wanted, string? item = null, int number = 0) => new(
        id, $"name of {id}", item ?? $"declaration:{id}", wanted, true, false, (false, Start.AddMinutes(number)), PlanContent.OfDeclaration(thing.ToBytes(), id, id));

    /// <summary>An iPad as Apple describes it, its queue, and what the server has stored of it.</summary>
    private sealed class PlayedIPad(params PlanEntry[] entries)
    {
        private readonly Dictionary<string, AssignmentStanding> _standings = [];
        private readonly Dictionary<string, DeclarationSet> _sets = [];
        private string? _queued;
        private DeclarationDevice? _device;
        private string? _token;

        public List<PlanEntry> Entries { get; } = [.. entries];

        public HashSet<string> Matches { get; } = [.. entries.Select(entry => entry.Id)];

        public Func<PlanContent, string?> Misfit { get; set; } = _ => null;

        public string Os { get; set; } = "18.1";

        public DateTimeOffset Now { get; set; } = Start.AddDays(1);

        public DateTimeOffset EnrolledAt { get; set; } = Start;

        public int Commands { get; private set; }

        public Dictionary<string, Declaration> Has { get; } = [];

        /// <summary>What it says of a declaration that it has.</summary>
        public Func<Declaration, DeclarationState> Says { get; set; } = one =>
            new DeclarationState(DeviceStatus.ListOf(one.Kind), one.Identifier, one.ServerToken, true, "valid", []);

        public Dictionary<string, string> Items { get; } = [];

        public DeclarationDevice? Device => _device;

        public AssignmentStanding? Of(string id) => _standings.GetValueOrDefault(id);

        public bool IsQueued => _queued is not null;

        public DeclarationDecision Look(Func<DeclarationDevice, DeclarationDevice>? learn = null, bool matches = true)
        {
            var learnt = learn is null ? null
                : learn(_device is { } known && known.EnrolledAt == EnrolledAt ? known
                    : new DeclarationDevice { DeviceId = "pad", Version = _device?.Version ?? 0, EnrolledAt = EnrolledAt, Wanted = DeclarationSet.EmptyToken, WantedAt = Now });
            var decided = DeclarationPart.Decide(
                [.. _standings.Values.Select(one => new AssignmentStandingRow(one, null, null, null))], Entries.ToDictionary(entry => entry.Id), _device, learnt, "pad",
                new DeclarationKnown
                {
                    Now = Now,
                    EnrolledAt = EnrolledAt,
                    Matches = matches ? Matches : null,
                    Misfit = Misfit,
                    OsVersion = Os,
                    IsAsked = _queued is not null,
                    Compile = parts => new DeclarationSet(parts.SelectMany(part => part.Declarations)),
                    NewUuid = DeclarationCommands.NewUuid,
                });
            foreach (var (before, after) in decided.Changes)
            {
                Assert.Equal(before, _standings.GetValueOrDefault((before ?? after)!.AssignmentId));
                if (after is null) _standings.Remove(before!.AssignmentId);
                else _standings[after.AssignmentId] = after;
            }

            if (decided.After is { } device)
            {
                Assert.Equal((_device?.Version ?? 0) + 1, device.Version);
                _device = device;
                _sets[device.Wanted] = decided.Set;
            }

            if (decided.CommandUuid is { } uuid)
            {
                Assert.Null(_queued);
                _queued = uuid;
                Commands++;
            }

            return decided;
        }

        /// <summary>The command, tokens, the list, what is new in it, and a report.</summary>
        public void Come()
        {
            Now = Now.AddSeconds(5);
            if (_queued is null) return;
            _queued = null;
            if (_device!.Wanted == _token) return;
            var set = _sets[_device.Wanted];
            var token = _device.Wanted;
            Look(device => device with { Fetched = token, FetchedAt = Now }, matches: false);
            foreach (var gone in Has.Keys.Where(id => set.Declarations.All(one => one.Identifier != id)).ToList()) Has.Remove(gone);
            foreach (var one in set.Declarations) Has[one.Identifier] = one;
            _token = token;
            Report();
        }

        public void Report()
        {
            var status = DeviceStatus.Nothing with { Items = Items, Declarations = [.. Has.Values.Select(Says)] };
            Look(device => device with { Status = status.ToJson(), ReportHash = $"{Now.Ticks:x}", ReportedAt = Now }, matches: false);
        }

        public void Lose() => _queued = null;

        /// <summary>It fetches the list, and says nothing after that.</summary>
        public void Fetch()
        {
            _queued = null;
            Look(device => device with { Fetched = device.Wanted, FetchedAt = Now }, matches: false);
        }

        /// <summary>Everything is gone from it.</summary>
        public void Erase()
        {
            (_queued, _token) = (null, null);
            Has.Clear();
            Now = Now.AddMinutes(1);
            EnrolledAt = Now;
        }

        public int Settle()
        {
            var before = Commands;
            for (var round = 0; round < 50; round++)
            {
                var decided = Look();
                var had = _queued is not null;
                Come();
                if (!had && decided.Changes.Count == 0 && decided.After is null)
                {
                    if (_standings.Values.All(one => one.DueAt is null)) return Commands - before;
                    Now = Now.AddDays(1);
                }
            }

            return Commands - before;
        }
    }

    [Fact]
    public void What_is_declared_comes_with_one_command_and_then_nothing_more()
    {
        var pad = new PlayedIPad(Passcode("a"), Passcode("b", 8));

        Assert.Equal(1, pad.Settle());

        Assert.All(["a", "b"], id => Assert.Equal((AssignmentState.Installed, null), (pad.Of(id)!.State, pad.Of(id)!.DueAt)));
        Assert.Equal(["a", "a.activation", "b", "b.activation"], pad.Has.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(0, pad.Settle());
        var standing = pad.Device;
        pad.Look();
        Assert.Same(standing, pad.Device);
    }

    [Fact]
    public void While_a_command_waits_a_change_sends_no_second_one_and_the_iPad_gets_the_newest()
    {
        var pad = new PlayedIPad(Passcode("a"));
        pad.Look();
        Assert.True(pad.IsQueued);

        pad.Entries[0] = Passcode("a", 9, wanted: 2);
        Assert.Null(pad.Look().CommandUuid);
        Assert.Equal(0, pad.Settle());

        Assert.Contains("\"MinimumLength\":9", Encoding.UTF8.GetString(pad.Has["a"].Payload), StringComparison.Ordinal);
        Assert.Equal(AssignmentState.Installed, pad.Of("a")!.State);
    }

    [Fact]
    public void What_is_withdrawn_leaves_the_iPad_and_is_forgotten_only_then()
    {
        var pad = new PlayedIPad(Passcode("a"), Passcode("b"));
        pad.Settle();

        pad.Matches.Remove("a");
        pad.Look();
        Assert.Equal(AssignmentState.Removing, pad.Of("a")!.State);
        Assert.Equal(0, pad.Settle());

        Assert.Null(pad.Of("a"));
        Assert.Equal(["b", "b.activation"], pad.Has.Keys.Order(StringComparer.Ordinal));
        pad.Matches.Clear();
        pad.Settle();
        Assert.Empty(pad.Has);
        Assert.Equal(DeclarationSet.EmptyToken, pad.Device!.Wanted);
        Assert.Equal(0, pad.Settle());
    }

    [Fact]
    public void A_change_of_the_set_writes_only_the_rows_that_change()
    {
        var pad = new PlayedIPad(Passcode("a"), Passcode("b"), Passcode("c"), Passcode("d"));
        pad.Matches.Remove("d");
        pad.Settle();

        pad.Matches.Add("d");
        Assert.Equal(["d"], pad.Look().Changes.Select(change => change.After!.AssignmentId));
        pad.Settle();
        pad.Matches.Remove("d");
        Assert.Equal(["d"], pad.Look().Changes.Select(change => change.After!.AssignmentId));
        pad.Entries[0] = Passcode("a", 9, wanted: 2);
        Assert.Equal(["a"], pad.Look().Changes.Select(change => change.After!.AssignmentId));
    }

    [Fact]
    public void An_iPad_that_enrols_again_gets_everything_again()
    {
        var pad = new PlayedIPad(Passcode("a"));
        pad.Settle();

        pad.Erase();

        Assert.Equal(1, pad.Settle());
        Assert.Equal(AssignmentState.Installed, pad.Of("a")!.State);
        Assert.Equal(2, pad.Has.Count);
    }

    [Fact]
    public void A_command_that_was_lost_is_sent_again_a_day_later_and_not_before()
    {
        var pad = new PlayedIPad(Passcode("a"));
        pad.Look();
        pad.Lose();

        Assert.Null(pad.Look().CommandUuid);
        pad.Now = pad.Now.AddDays(1);
        Assert.NotNull(pad.Look().CommandUuid);
    }

    [Fact]
    public void An_iPad_that_fetches_its_list_and_never_reports_is_asked_once_a_day()
    {
        var pad = new PlayedIPad(Passcode("a"), Update("u", "18.2"));
        pad.Look();
        pad.Fetch();
        Assert.Equal(pad.Now.AddDays(1), pad.Of("a")!.DueAt);
        Assert.Null(pad.Look().CommandUuid);

        for (var day = 1; day <= 3; day++)
        {
            pad.Now = pad.Now.AddDays(1);
            Assert.NotNull(pad.Look().CommandUuid);
            pad.Lose();
            Assert.Null(pad.Look().CommandUuid);
            Assert.Equal(pad.Now.AddDays(1), pad.Of("a")!.DueAt);
        }

        foreach (var one in new[] { "a", "u" }.SelectMany(id => pad.Entries.Single(entry => entry.Id == id).Content.Declarations!)) pad.Has[one.Identifier] = one;
        pad.Report();
        Assert.All(["a", "u"], id => Assert.Null(pad.Of(id)!.DueAt));
        pad.Now = pad.Now.AddDays(1);
        Assert.Null(pad.Look().CommandUuid);
    }

    [Fact]
    public void A_command_that_was_lost_is_sent_again_also_when_no_assignment_waits_for_itself()
    {
        var pad = new PlayedIPad(Update("u", "18.2"));
        pad.Settle();
        pad.Os = "18.2";
        // The iPad has it by now, and keeps the declaration.
        Assert.NotNull(pad.Look().CommandUuid);
        Assert.Equal(AssignmentState.Installed, pad.Of("u")!.State);
        pad.Lose();

        Assert.Equal(pad.Now.AddDays(1), pad.Of("u")!.DueAt);
        Assert.Null(pad.Look().CommandUuid);
        pad.Now = pad.Now.AddDays(1);
        Assert.NotNull(pad.Look().CommandUuid);
        pad.Come();
        Assert.Null(pad.Of("u")!.DueAt);
        Assert.Empty(pad.Has);
    }

    [Theory]
    [InlineData("invalid", "Error.ConfigurationIsInvalid", AssignmentState.Failed, "A value of the configuration is not valid.")]
    [InlineData("unknown", "Error.UnknownDeclarationType", AssignmentState.Failed, "does not know this type")]
    [InlineData("valid", "Info.Predicate", AssignmentState.Sent, "not in force")]
    [InlineData("unknown", null, AssignmentState.Sent, "has not said yet")]
    public void What_the_iPad_says_of_a_declaration_is_told_in_words(string valid, string? code, AssignmentState state, string words)
    {
        var pad = new PlayedIPad(Passcode("a"))
        {
            Says = one => new DeclarationState(DeviceStatus.ListOf(one.Kind), one.Identifier, one.ServerToken, false, valid, code is null ? [] : [new StatusReason(code, null, null)]),
        };

        pad.Settle();

        Assert.Equal(state, pad.Of("a")!.State);
        Assert.Contains(words, pad.Of("a")!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_iPad_says_of_an_older_version_counts_for_nothing()
    {
        var pad = new PlayedIPad(Passcode("a"));
        pad.Settle();
        pad.Entries[0] = Passcode("a", 9, wanted: 2);

        pad.Look();
        pad.Report();

        Assert.Equal(AssignmentState.Sent, pad.Of("a")!.State);
    }

    [Fact]
    public void Of_two_of_a_type_that_counts_once_the_newer_one_counts()
    {
        var pad = new PlayedIPad(Passcode("a", item: "declaration:one", number: 1), Passcode("b", item: "declaration:one", number: 2));

        pad.Settle();

        Assert.Equal(AssignmentState.NotApplicable, pad.Of("a")!.State);
        Assert.Contains("name of b", pad.Of("a")!.Reason, StringComparison.Ordinal);
        Assert.Equal(["b", "b.activation"], pad.Has.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_update_is_declared_until_the_iPad_has_it_and_its_way_is_told()
    {
        var pad = new PlayedIPad(Update("u", "18.2"));
        pad.Settle();
        Assert.Equal((AssignmentState.Sent, "The iPad has been told of the update."), (pad.Of("u")!.State, pad.Of("u")!.Reason));

        pad.Items["softwareupdate.install-state"] = "\"downloading\"";
        pad.Items["softwareupdate.pending-version"] = """{"os-version":"18.2","build-version":"22C152"}""";
        pad.Report();
        Assert.Equal((AssignmentState.Sent, "The iPad is loading iPadOS 18.2 (22C152)."), (pad.Of("u")!.State, pad.Of("u")!.Reason));

        pad.Items["softwareupdate.install-state"] = "\"failed\"";
        pad.Items["softwareupdate.failure-reason"] = """{"count":2,"reason":"The battery is too low"}""";
        pad.Report();
        Assert.Equal((AssignmentState.Failed, "The update failed 2 times: The battery is too low."), (pad.Of("u")!.State, pad.Of("u")!.Reason));

        pad.Os = "18.2";
        pad.Items.Clear();
        pad.Settle();
        Assert.Equal((AssignmentState.Installed, "It has iPadOS 18.2."), (pad.Of("u")!.State, pad.Of("u")!.Reason));
        Assert.Empty(pad.Has);
    }

    [Fact]
    public void Of_two_updates_each_says_which_one_the_iPad_does_first()
    {
        var pad = new PlayedIPad(Update("late", "18.3"), Update("soon", "18.2", deadline: "2026-12-01T18:00"), Update("same", "18.2.1", deadline: "2026-12-01T18:00"));
        pad.Settle();
        Assert.Equal("The iPad has been told of the update. It comes before the other updates of this iPad.", pad.Of("same")!.Reason);
        Assert.Equal("The update \"name of same\" comes first: it has the same deadline, and is newer.", pad.Of("soon")!.Reason);
        Assert.Equal("The update \"name of same\" comes first: it has an earlier deadline.", pad.Of("late")!.Reason);

        pad.Items["softwareupdate.install-state"] = "\"failed\"";
        pad.Items["softwareupdate.failure-reason"] = """{"count":2,"reason":"The battery is too low"}""";
        pad.Report();
        Assert.Equal((AssignmentState.Failed, AssignmentState.Sent, AssignmentState.Sent), (pad.Of("same")!.State, pad.Of("soon")!.State, pad.Of("late")!.State));

        pad.Items.Clear();
        pad.Os = "18.2.1";
        pad.Settle();
        Assert.Equal((AssignmentState.Installed, AssignmentState.Installed), (pad.Of("same")!.State, pad.Of("soon")!.State));
        Assert.Equal("The iPad has been told of the update.", pad.Of("late")!.Reason);
    }

    [Fact]
    public void An_iPad_that_has_the_version_already_is_told_nothing()
    {
        var pad = new PlayedIPad(Update("u", "18.1"));

        Assert.Equal(0, pad.Settle());
        Assert.Equal(AssignmentState.Installed, pad.Of("u")!.State);
    }

    [Fact]
    public void What_an_iPad_cannot_have_says_why_and_is_not_declared()
    {
        var pad = new PlayedIPad(Passcode("a"), Update("u", "18.2")) { Misfit = content => content.Update is null ? null : "It is too old." };

        pad.Settle();

        Assert.Equal((AssignmentState.NotApplicable, "It is too old."), (pad.Of("u")!.State, pad.Of("u")!.Reason));
        Assert.Equal(["a", "a.activation"], pad.Has.Keys.Order(StringComparer.Ordinal));
    }

    /// <summary>Days in any order: it ends with what is declared, commands stop, and there was never a second one in the queue (Look asserts it).</summary>
    [Fact]
    public void Whatever_happens_an_iPad_ends_with_what_is_declared_and_commands_stop()
    {
        Gen.Select(Gen.Int[0, 6], Gen.Int[0, 3], Gen.Int[4, 12]).Array[0, 40].Sample(days =>
        {
            var pad = new PlayedIPad(Passcode("a"), Passcode("b"), Passcode("c"), Passcode("d"));
            var wanted = 1;
            foreach (var (what, which, length) in days)
            {
                var id = pad.Entries[which].Id;
                switch (what)
                {
                    case 0:
                        pad.Matches.Add(id);
                        break;
                    case 1:
                        pad.Matches.Remove(id);
                        break;
                    case 2:
                        pad.Entries[which] = Passcode(id, length, ++wanted);
                        break;
                    case 3:
                        pad.Erase();
                        break;
                    case 4:
                        pad.Lose();
                        break;
                    case 5:
                        pad.Look();
                        break;
                    default:
                        pad.Look();
                        pad.Come();
                        break;
                }
            }

            pad.Settle();
            Assert.Equal(
                pad.Matches.SelectMany(id => new[] { id, id + ".activation" }).Order(StringComparer.Ordinal), pad.Has.Keys.Order(StringComparer.Ordinal));
            foreach (var entry in pad.Entries.Where(entry => pad.Matches.Contains(entry.Id)))
            {
                Assert.Equal(entry.Content.Declarations![0].ServerToken, pad.Has[entry.Id].ServerToken);
                Assert.Equal((AssignmentState.Installed, entry.Wanted), (pad.Of(entry.Id)!.State, pad.Of(entry.Id)!.Installed));
            }

            Assert.Equal(0, pad.Settle());
        }, iter: 2000);
    }
}
