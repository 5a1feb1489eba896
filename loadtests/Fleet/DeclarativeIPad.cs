using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.LoadTests.Driver;

namespace FleetMdm.LoadTests.Fleet;

/// <summary>A declaration as a list names it.</summary>
public sealed record ListedDeclaration(string Kind, string Identifier, string ServerToken);

/// <summary>What <c>declaration-items</c> answered, and what an iPad that has it all says of itself. Many iPads share one.</summary>
public sealed class DeclaredList
{
    private static readonly (string List, string Kind)[] Lists = [("Activations", "activation"), ("Assets", "asset"), ("Configurations", "configuration"), ("Management", "management")];

    private static readonly string[] Reported =
    [
        "device.identifier.serial-number", "device.identifier.udid", "device.model.family", "device.model.identifier", "device.model.marketing-name", "device.model.number",
        "device.operating-system.build-version", "device.operating-system.family", "device.operating-system.marketing-name", "device.operating-system.version",
        "device.operating-system.supplemental.build-version", "device.operating-system.supplemental.extra-version", "device.power.battery-health", "passcode.is-compliant", "passcode.is-present",
        "softwareupdate.beta-enrollment", "softwareupdate.device-id", "softwareupdate.failure-reason", "softwareupdate.install-reason", "softwareupdate.install-state", "softwareupdate.pending-version",
    ];

    public static readonly DeclaredList Empty = new("""{"Declarations":{"Activations":[],"Assets":[],"Configurations":[],"Management":[]},"DeclarationsToken":""}""");

    public DeclaredList(string json)
    {
        var answer = JsonNode.Parse(json)!;
        Items = [.. Lists.SelectMany(list => answer["Declarations"]![list.List]!.AsArray().Select(one => new ListedDeclaration(list.Kind, (string)one!["Identifier"]!, (string)one["ServerToken"]!)))];
        Report = Encoding.UTF8.GetBytes(StatusOf(Items).ToJsonString());
    }

    public IReadOnlyList<ListedDeclaration> Items { get; }

    /// <summary>A whole report, as an iPad of iPadOS 18 makes it.</summary>
    public byte[] Report { get; }

    private static JsonObject StatusOf(IReadOnlyList<ListedDeclaration> items)
    {
        JsonArray Of(string kind) => new([.. items.Where(one => one.Kind == kind).Select(one => new JsonObject
        {
            ["active"] = true,
            ["identifier"] = one.Identifier,
            ["server-token"] = one.ServerToken,
            ["valid"] = "valid",
        })]);
        return new JsonObject
        {
            ["Errors"] = new JsonArray(),
            ["FullReport"] = true,
            ["StatusItems"] = new JsonObject
            {
                ["device"] = JsonNode.Parse("""
                    {"model":{"family":"iPad","identifier":"iPad13,18","marketing-name":"iPad (10th generation)","number":"MPQ03"},
                     "operating-system":{"build-version":"22D60","family":"iPadOS","marketing-name":"iPadOS 18.3","version":"18.3","supplemental":{"build-version":"","extra-version":""}},
                     "power":{"battery-health":"normal"}}
                    """),
                ["management"] = new JsonObject
                {
                    ["client-capabilities"] = new JsonObject
                    {
                        ["supported-features"] = new JsonObject(),
                        ["supported-payloads"] = new JsonObject
                        {
                            ["declarations"] = new JsonObject
                            {
                                ["activations"] = new JsonArray("com.apple.activation.simple"),
                                ["assets"] = new JsonArray("com.apple.asset.credential.userpassword", "com.apple.asset.useridentity"),
                                ["configurations"] = new JsonArray(
                                    "com.apple.configuration.account.google", "com.apple.configuration.account.mail", "com.apple.configuration.management.status-subscriptions",
                                    "com.apple.configuration.passcode.settings", "com.apple.configuration.softwareupdate.enforcement.specific", "com.apple.configuration.softwareupdate.settings"),
                                ["management"] = new JsonArray("com.apple.management.organization-info", "com.apple.management.properties"),
                            },
                            ["status-items"] = new JsonArray([.. Reported.Select(name => JsonValue.Create(name))]),
                        },
                        ["supported-versions"] = new JsonArray("1.0.0"),
                    },
                    ["declarations"] = new JsonObject { ["activations"] = Of("activation"), ["assets"] = Of("asset"), ["configurations"] = Of("configuration"), ["management"] = Of("management") },
                },
                ["passcode"] = new JsonObject { ["is-compliant"] = true, ["is-present"] = true },
                ["softwareupdate"] = JsonNode.Parse("""
                    {"beta-enrollment":"","device-id":"iPad13,18","failure-reason":{"count":0},"install-reason":{"reason":[]},"install-state":"none","pending-version":{"build-version":"","os-version":""}}
                    """),
            },
        };
    }
}

/// <summary>Requests of iPads by kind. Any thread.</summary>
public sealed class DeclarativeCounts
{
    public long Polls, Acknowledgements, Tokens, Items, Declarations, Reports;

    public long All => Polls + Acknowledgements + Tokens + Items + Declarations + Reports;
}

/// <summary>
/// The conversation of one iPad about declarations, as Apple describes it: it polls, gets the command with the tokens in it, and acknowledges it. When the token is another one than it has, it fetches
/// the list, then each declaration of which it lacks this version, and reports.
/// </summary>
/// <remarks>One thread at a time.</remarks>
public sealed class DeclarativeIPad(LoadIPad ipad)
{
    private static readonly ConcurrentDictionary<string, DeclaredList> Known = new(StringComparer.Ordinal);

    private byte[]? _report;

    public DeclaredList List { get; private set; } = DeclaredList.Empty;

    /// <summary>The same report that it sent last, whole.</summary>
    public byte[] Report => _report ??= ipad.DeclarativeManagement("status", List.Report);

    public byte[] Tokens { get; } = ipad.DeclarativeManagement("tokens");

    /// <summary>Until the server has nothing more. Returns the last status.</summary>
    public int Session(HttpConnection connection, DeclarativeCounts counts)
    {
        Interlocked.Increment(ref counts.Polls);
        var answer = connection.Send(ipad.Idle);
        var asked = false;
        while (answer.Status == 200 && !answer.Body.IsEmpty)
        {
            asked |= answer.Body.Span.IndexOf("<string>DeclarativeManagement</string>"u8) >= 0;
            var uuid = ipad.Handed(answer.Body.Span);
            Interlocked.Increment(ref counts.Acknowledgements);
            answer = connection.Send(ipad.Report(uuid));
            if (answer.Status == 200) ipad.Took(uuid);
        }

        return answer.Status == 200 && asked ? Synchronise(connection, counts) : answer.Status;
    }

    private int Synchronise(HttpConnection connection, DeclarativeCounts counts)
    {
        Interlocked.Increment(ref counts.Items);
        var answer = connection.Send(ipad.DeclarativeManagement("declaration-items"));
        if (answer.Status != 200) return answer.Status;
        var list = Known.GetOrAdd(Convert.ToHexString(SHA256.HashData(answer.Body.Span)), static (_, json) => new DeclaredList(json), Encoding.UTF8.GetString(answer.Body.Span));
        foreach (var one in list.Items.Except(List.Items))
        {
            Interlocked.Increment(ref counts.Declarations);
            answer = connection.Send(ipad.DeclarativeManagement($"declaration/{one.Kind}/{one.Identifier}"));
            if (answer.Status != 200) return answer.Status;
        }

        if (ReferenceEquals(list, List)) return answer.Status;
        (List, _report) = (list, null);
        Interlocked.Increment(ref counts.Reports);
        return connection.Send(Report).Status;
    }
}
