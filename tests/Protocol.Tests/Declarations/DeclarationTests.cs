using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using FleetMdm.Protocol.Declarations;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Declarations;

/// <summary>Declarations, their tokens, and what iPads report.</summary>
public sealed class DeclarationTests
{
    private static readonly Gen<Declaration> Declarations = Gen.Select(
        Gen.Int[0, 3], Gen.Int[0, 4], Gen.Int[0, 3], (type, name, value) => Declaration.Of(
            new[] { "com.apple.configuration.passcode.settings", "com.apple.asset.useridentity", "com.apple.management.properties", "com.apple.activation.simple" }[type],
            $"id{name}", Encoding.UTF8.GetBytes($$"""{"A":{{value}}}""")));

    private static readonly Gen<DeclarationSet> Sets = Declarations.Array[0, 8].Select(some => new DeclarationSet(some.DistinctBy(one => (one.Kind, one.Identifier))));

    private static string Content(DeclarationSet set) => string.Join('\n', set.Declarations.Select(one => $"{one.Type} {one.Identifier} {Encoding.UTF8.GetString(one.Payload)}").Order(StringComparer.Ordinal));

    [Fact]
    public void Two_declarations_have_one_token_if_and_only_if_they_have_one_content() => Gen.Select(Declarations, Declarations).Sample((one, other) =>
        (one.ServerToken == other.ServerToken) == ((one.Type, one.Identifier, Encoding.UTF8.GetString(one.Payload)) == (other.Type, other.Identifier, Encoding.UTF8.GetString(other.Payload))));

    [Fact]
    public void Two_sets_have_one_token_if_and_only_if_they_have_one_content() => Gen.Select(Sets, Sets).Sample((one, other) =>
        (one.Token == other.Token) == (Content(one) == Content(other)));

    [Fact]
    public void A_set_is_the_same_in_whatever_order_it_was_made_and_when_it_was_stored() => Gen.Select(Sets, Gen.Int).Sample((set, seed) =>
    {
        var shuffled = new DeclarationSet(set.Declarations.OrderBy(one => HashCode.Combine(one.Identifier, one.Kind, seed)));
        var read = DeclarationSet.Read(set.ToBytes());
        Assert.Equal((set.Token, set.Token), (shuffled.Token, read.Token));
        Assert.Equal(set.Items(), read.Items());
        Assert.Equal(set.Declarations.Select(one => Encoding.UTF8.GetString(one.ToJson())), read.Declarations.Select(one => Encoding.UTF8.GetString(one.ToJson())));
        Assert.All(set.Declarations, one => Assert.True(Encoding.UTF8.GetByteCount(one.ServerToken) <= Declaration.LongestName));
        Assert.All(set.Declarations, one => Assert.Equal(one.ServerToken, set.Find(one.Kind, one.Identifier)!.ServerToken));
    });

    [Fact]
    public void The_same_thing_is_the_same_whatever_the_order_of_its_keys()
    {
        var (one, other) = (Thing("""{"MinimumLength": 6, "RequirePasscode": true}"""), Thing("""{"RequirePasscode": true, "MinimumLength": 6}"""));
        Assert.Equal(one.Declarations("x")[0].ServerToken, other.Declarations("x")[0].ServerToken);
        Assert.NotEqual(one.Declarations("x")[0].ServerToken, Thing("""{"RequirePasscode": true, "MinimumLength": 7}""").Declarations("x")[0].ServerToken);
        Assert.Equal(one.ToBytes(), DeclaredThing.Stored(one.ToBytes()).ToBytes());
    }

    private static DeclaredThing Thing(string payload)
    {
        using var document = JsonDocument.Parse($$"""{"type": "com.apple.configuration.passcode.settings", "payload": {{payload}} }""");
        return DeclaredThing.FromJson(document.RootElement);
    }

    [Fact]
    public void All_types_that_can_be_declared_say_what_they_need()
    {
        foreach (var type in DeclaredThing.Types)
        {
            using var document = JsonDocument.Parse($$"""{"type": "{{type}}", "payload": {} }""");
            try
            {
                Assert.NotEmpty(DeclaredThing.FromJson(document.RootElement).Requirements());
            }
            catch (CommandFieldException e)
            {
                // A required key is missing, and it is named.
                Assert.StartsWith("/payload/", e.Field, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("18.2", null, "18.2", "22C150", true)]
    [InlineData("18.2", null, "18.10", "22C150", true)]
    [InlineData("18.2", null, "18.1.1", "22B1", false)]
    [InlineData("18.2.1", null, "18.2", "22C150", false)]
    [InlineData("18.2", null, "18.2.1", "22C150", true)]
    [InlineData("18.2", "22C160", "18.2", "22C150", false)]
    [InlineData("18.2", "22C150", "18.2", "22c150", true)]
    [InlineData("18.2", null, null, null, false)]
    [InlineData("18.2", null, "beta", null, false)]
    public void An_update_is_met_by_its_version_and_by_newer_ones(string target, string? build, string? has, string? hasBuild, bool met) =>
        Assert.Equal(met, SoftwareUpdateOrder.Of(target, build, "2026-12-04T18:00", null).IsMet(has, hasBuild));

    [Fact]
    public void A_full_report_replaces_and_another_one_is_laid_over()
    {
        var first = DeviceStatus.Nothing.With(Report("""{"device": {"model": {"family": "iPad"}, "operating-system": {"version": "18.1"}}}""", declared: "a b", full: true), (_, _) => null);
        var second = first.With(Report("""{"device": {"operating-system": {"version": "18.2"}}}""", declared: "b-"), (_, _) => null);
        Assert.Equal(("iPad", "18.2"), (second.Text("device.model.family"), second.Text("device.operating-system.version")));
        Assert.Equal(["a"], second.Declarations.Select(one => one.Identifier));
        var third = second.With(Report("""{"passcode": {"is-present": true}}""", declared: "c", full: true), (_, _) => null);
        Assert.Null(third.Text("device.model.family"));
        Assert.True(third.Flag("passcode.is-present"));
        Assert.Equal(["c"], third.Declarations.Select(one => one.Identifier));
        Assert.Equal(third.ToJson(), DeviceStatus.Read(third.ToJson()).ToJson());
        // Nothing new.
        Assert.Equal(third.ToJson(), third.With(Report("{}"), (_, _) => null).ToJson());
    }

    [Fact]
    public void Of_two_entries_of_one_declaration_that_of_the_wanted_token_counts()
    {
        var report = StatusReport.Read("""
            {"StatusItems": {"management": {"declarations": {"configurations": [
              {"identifier": "a", "server-token": "old", "active": false, "valid": "invalid"}, {"identifier": "a", "server-token": "new", "active": true, "valid": "valid"},
              {"identifier": "b", "server-token": "new", "active": true, "valid": "valid"}, {"identifier": "b", "server-token": "old", "active": false, "valid": "invalid"}]}}}, "Errors": []}
            """u8.ToArray());
        Assert.Equal(["new", "new"], DeviceStatus.Nothing.With(report, (_, _) => "new").Declarations.Select(one => one.ServerToken));
    }

    [Theory]
    [InlineData("018.3")]
    [InlineData(" 18.3")]
    [InlineData("18.3.")]
    [InlineData("18.03")]
    [InlineData("18.3\n")]
    [InlineData("18.3.1.2")]
    [InlineData("18,3")]
    [InlineData("")]
    [InlineData(null)]
    public void What_is_written_otherwise_than_Apple_writes_it_is_no_version(string? version)
    {
        Assert.False(IPadOsVersion.Is(version));
        Assert.Null(IPadOsVersion.Compare(version, "18.3"));
        Assert.Equal("/version", Assert.Throws<CommandFieldException>(() => SoftwareUpdateOrder.Of(version, null, "2026-12-04T18:00", null)).Field);
    }

    [Fact]
    public void An_update_that_was_taken_with_leading_zeros_is_still_read()
    {
        var thing = DeclaredThing.Of(SoftwareUpdateOrder.Type, new PlistDictionary { ["TargetOSVersion"] = "018.03", ["TargetLocalDateTime"] = "2026-12-04T18:00:00" });
        Assert.Equal("18.3", SoftwareUpdateOrder.Of(thing)!.Version);
    }

    [Fact]
    public void A_full_report_that_is_silent_about_declarations_says_that_there_are_none()
    {
        var before = DeviceStatus.Nothing.With(Report("{}", declared: "a b", full: true), (_, _) => null);

        Assert.Empty(before.With(Report("{}", full: true), (_, _) => null).Declarations);
        Assert.Equal(2, before.With(Report("{}"), (_, _) => null).Declarations.Count);
        // It could not tell.
        var failed = StatusReport.Read(Encoding.UTF8.GetBytes("""{"StatusItems": {}, "Errors": [{"StatusItem": "management.declarations", "Reasons": []}], "FullReport": true}"""));
        Assert.Equal(2, before.With(failed, (_, _) => null).Declarations.Count);
    }

    private static StatusReport Report(string items, string? declared = null, bool full = false)
    {
        var told = JsonNode.Parse(items)!.AsObject();
        if (declared is not null)
        {
            told["management"] = new JsonObject
            {
                ["declarations"] = new JsonObject
                {
                    ["configurations"] = new JsonArray([.. declared.Split(' ').Select(one => one.EndsWith('-')
                        ? new JsonObject { ["identifier"] = one[..^1], ["_removed"] = true }
                        : new JsonObject { ["identifier"] = one, ["server-token"] = "t", ["active"] = true, ["valid"] = "valid" })]),
                },
            };
        }

        return StatusReport.Read(Encoding.UTF8.GetBytes(new JsonObject { ["StatusItems"] = told, ["Errors"] = new JsonArray(), ["FullReport"] = full }.ToJsonString()));
    }
}
