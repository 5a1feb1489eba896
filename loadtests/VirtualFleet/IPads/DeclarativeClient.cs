using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>A declaration that an iPad holds.</summary>
internal sealed record HeldDeclaration(string Kind, string Identifier, string ServerToken, string Type, JsonObject Payload);

/// <summary>
/// Declarative management on one channel of an iPad, from Apple's pages and schema. It is asleep until the command comes. Then: tokens, the list, each declaration that is new or
/// has another token, what is listed no more is removed, all is applied, tokens once more, a report.
/// <see href="https://developer.apple.com/documentation/devicemanagement/leveraging-the-declarative-management-data-model-to-scale-devices"/>
/// </summary>
/// <remarks>One conversation at a time. What the server does against Apple's rules is a violation in the journal.</remarks>
internal sealed class DeclarativeClient(VirtualIPad ipad, MdmChannel channel) : IDisposable
{
    private const string MessageType = "DeclarativeManagement";
    private const int LongestName = 64, LongestToken = 256;

    /// <summary>Sets that change while they are fetched are fetched again so often, and then with the next command.</summary>
    private const int MostRounds = 4;

    /// <summary>A timer takes no longer times.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(20);

    private static readonly (string List, string Kind)[] Kinds =
        [("Activations", "activation"), ("Assets", "asset"), ("Configurations", "configuration"), ("Management", "management")];

    private readonly SemaphoreSlim _conversation = new(1);
    private readonly Dictionary<(string Kind, string Identifier), HeldDeclaration> _held = [];
    private string? _token;
    private Dictionary<string, string>? _reported;
    private DeclaredUpdate? _update;
    private ITimer? _timer;
    private volatile bool _owesReport;

    /// <summary>By kind and identifier.</summary>
    public IReadOnlyCollection<HeldDeclaration> Held
    {
        get
        {
            lock (_held)
                return [.. _held.Values];
        }
    }

    /// <summary>The command.</summary>
    public static IPadReport Look(CommandRun run)
    {
        string? token = null;
        if (run.Command.TryGetValue("Data", out var data))
        {
            if (data is not byte[] json || Tokens(json, out _) is not { } told)
                return run.FormatError();
            token = told;
        }

        var client = run.Channel.Declarations;
        return run.Acknowledged() with { Afterwards = cancellation => client.SyncAsync(token, cancellation) };
    }

    public void CameOnline()
    {
        if (_owesReport)
            _ = Task.Run(() => ReportAsync(full: false, CancellationToken.None));
    }

    public void Dispose() => _timer?.Dispose();

    /// <summary>The user agrees, or somebody presses Update Now.</summary>
    public Task InstallUpdateAsync() => Task.Run(() => Install("notification"));

    private async Task SyncAsync(string? token, CancellationToken cancellation)
    {
        await _conversation.WaitAsync(cancellation);
        try
        {
            for (var round = 0; round < MostRounds; round++)
            {
                token ??= await TokensAsync(cancellation);
                if (token is null || channel.Ended)
                    return;
                if (token == _token)
                    break;
                if (!await FetchAsync(cancellation))
                    return;
                token = null;
            }

            Apply();
        }
        finally
        {
            _conversation.Release();
        }

        await ReportAsync(full: _reported is null, cancellation);
    }

    private async Task<string?> TokensAsync(CancellationToken cancellation)
    {
        if (await AskAsync("tokens", cancellation) is not { Success: true } answer)
            return null;
        if (Tokens(answer.Body, out var fault) is { } token)
            return token;
        Violate($"tokens: {fault}");
        return null;
    }

    private static string? Tokens(byte[] json, out string fault)
    {
        fault = "";
        try
        {
            var tokens = JsonNode.Parse(json)?["SyncTokens"];
            var token = (string?)tokens?["DeclarationsToken"];
            if (!DateTime.TryParseExact((string?)tokens?["Timestamp"], "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _))
                fault = "Timestamp is missing or has another form";
            else if (token is not { Length: > 0 } || Encoding.UTF8.GetByteCount(token) > LongestToken)
                fault = $"DeclarationsToken is missing or longer than {LongestToken} octets";
            else
                return token;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            fault = e.Message;
        }

        return null;
    }

    /// <returns>False: not now.</returns>
    private async Task<bool> FetchAsync(CancellationToken cancellation)
    {
        if (await AskAsync("declaration-items", cancellation) is not { Success: true } answer)
            return false;
        var (token, listed) = ReadItems(answer.Body);
        if (token is null)
            return false;
        foreach (var (kind, identifier, serverToken) in listed)
        {
            if (_held.TryGetValue((kind, identifier), out var held) && held.ServerToken == serverToken)
                continue;
            var one = await AskAsync($"declaration/{kind}/{identifier}", cancellation);
            if (one.Status == 404)
            {
                lock (_held)
                    _held.Remove((kind, identifier));
                continue;
            }

            // 400 and 500: the old one stays, and is tried again with the next command.
            if (!one.Success)
                return false;
            if (ReadDeclaration(kind, identifier, serverToken, one.Body) is { } declaration)
            {
                lock (_held)
                    _held[(kind, identifier)] = declaration;
            }
        }

        var names = listed.Select(one => (one.Kind, one.Identifier)).ToHashSet();
        lock (_held)
        {
            foreach (var gone in _held.Keys.Where(key => !names.Contains(key)).ToList())
                _held.Remove(gone);
        }

        _token = token;
        return true;
    }

    private (string? Token, List<(string Kind, string Identifier, string ServerToken)> Listed) ReadItems(byte[] json)
    {
        var listed = new List<(string, string, string)>();
        try
        {
            var root = JsonNode.Parse(json);
            foreach (var (list, kind) in Kinds)
            {
                if (root?["Declarations"]?[list] is not JsonArray items)
                {
                    Violate($"declaration-items has no list {list}");
                    return (null, listed);
                }

                foreach (var item in items)
                {
                    var (identifier, serverToken) = ((string?)item?["Identifier"], (string?)item?["ServerToken"]);
                    if (!IsName(identifier) || !IsName(serverToken))
                        Violate($"{list} lists '{item?.ToJsonString()}'");
                    else
                        listed.Add((kind, identifier!, serverToken!));
                }
            }

            if (listed.DistinctBy(one => (one.Item1, one.Item2)).Count() != listed.Count)
                Violate("declaration-items names a declaration twice");
            return ((string?)root?["DeclarationsToken"], listed);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            Violate($"declaration-items: {e.Message}");
            return (null, listed);
        }
    }

    private static bool IsName(string? text) => text is { Length: > 0 } && Encoding.UTF8.GetByteCount(text) <= LongestName;

    private HeldDeclaration? ReadDeclaration(string kind, string identifier, string serverToken, byte[] json)
    {
        try
        {
            var root = JsonNode.Parse(json)!;
            var (type, own, token) = ((string?)root["Type"], (string?)root["Identifier"], (string?)root["ServerToken"]);
            if (own != identifier || type is null || root["Payload"] is not JsonObject payload)
                Violate($"declaration/{kind}/{identifier} is no declaration of that identifier");
            else if (token != serverToken)
                Violate($"declaration/{kind}/{identifier} was announced as {serverToken}, and came as {token}");
            else
                return new HeldDeclaration(kind, identifier, serverToken, type, payload);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            Violate($"declaration/{kind}/{identifier}: {e.Message}");
        }

        return null;
    }

    // ---- applying ----

    /// <summary>Only the update does anything on a simulated iPad; everything else is looked at.</summary>
    private void Apply()
    {
        var wanted = Held.Where(one => one.Type == DeclaredUpdate.Type && IsActivated(one)).Select(DeclaredUpdate.Read).OfType<DeclaredUpdate>().OrderBy(one => one.Deadline).FirstOrDefault();
        if (wanted == _update?.Asked())
            return;
        _timer?.Dispose();
        _timer = null;
        _update = wanted is null || wanted.IsMet(ipad) ? null : wanted with { Release = wanted.Offered(ipad) };
        if (_update is not { Release: not null })
            return;
        _update = _update with { State = "downloading" };
        _timer = Time.CreateTimer(static client => ((DeclarativeClient)client!).Step(), this, ipad.Fleet.Options.DownloadTime, Timeout.InfiniteTimeSpan);
    }

    private TimeProvider Time => ipad.Fleet.Options.Time;

    private DateTime Clock => Time.GetLocalNow().DateTime;

    private void Step()
    {
        if (_update is not { } update || channel.Ended)
            return;
        if (update.State == "downloading")
        {
            _update = update with { State = "prepared" };
            _ = Task.Run(() => ReportAsync(full: false, CancellationToken.None));
        }

        var rest = update.Deadline - Clock;
        if (rest <= TimeSpan.Zero)
            _ = Task.Run(() => Install("declaration"));
        else
            _timer?.Change(rest < LongestWait ? rest : LongestWait, Timeout.InfiniteTimeSpan);
    }

    private async Task Install(string why)
    {
        if (_update is not { Release: { } release } update || channel.Ended)
            return;
        if (ipad.UpdateFailure is { } failure)
        {
            _update = update with { State = "failed", Failures = update.Failures + 1, Failure = failure };
            await ReportAsync(full: false, CancellationToken.None);
            return;
        }

        _update = update with { State = "installing", Why = why };
        await ReportAsync(full: false, CancellationToken.None);
        _update = null;
        _owesReport = true;
        ipad.UpdateTo(release);
    }

    private bool IsActivated(HeldDeclaration configuration) => Held.Any(one =>
        one.Kind == "activation" && one.Payload["StandardConfigurations"] is JsonArray names && names.Any(name => (string?)name == configuration.Identifier));

    private JsonObject StateOf(HeldDeclaration one)
    {
        var reasons = new JsonArray();
        var (valid, active) = ("valid", true);
        void Fail(string code, string? words = null)
        {
            (valid, active) = ("invalid", false);
            var reason = new JsonObject { ["code"] = code };
            if (words is not null)
                reason["description"] = words;
            reasons.Add(reason);
        }

        if (ipad.DeclarationFailure(one.Type) is { } told)
            Fail(told.Code, told.Words);
        else if (one.Kind == "activation" && one.Payload["StandardConfigurations"] is JsonArray names && names.Any(name => !Held.Any(other => other.Kind == "configuration" && other.Identifier == (string?)name)))
            Fail("Error.MissingConfigurations");
        else if (References(one.Payload).Any(name => !Held.Any(other => other.Kind == "asset" && other.Identifier == name)))
            Fail("Error.MissingAssets");
        else if (one.Type == "com.apple.configuration.passcode.settings" && one.Payload["MinimumLength"] is { } length && (length.GetValueKind() != JsonValueKind.Number || (int)length is < 0 or > 16))
            Fail("Error.ConfigurationIsInvalid", "MinimumLength is out of range.");
        else if (one.Type == DeclaredUpdate.Type && (ipad.MajorVersion < 17 || DeclaredUpdate.Read(one) is null))
            Fail(ipad.MajorVersion < 17 ? "Error.UnknownDeclarationType" : "Error.ConfigurationIsInvalid");
        else if (one.Type == DeclaredUpdate.Type && DeclaredUpdate.Read(one)!.IsMet(ipad))
            Fail("Error.ConfigurationFailed", "The target version is not newer.");
        else if (one.Kind == "configuration" && !IsActivated(one))
        {
            active = false;
            reasons.Add(new JsonObject { ["code"] = "Info.NotReferencedByActivation" });
        }

        var state = new JsonObject { ["identifier"] = one.Identifier, ["server-token"] = one.ServerToken, ["active"] = active, ["valid"] = valid };
        if (reasons.Count > 0)
            state["reasons"] = reasons;
        return state;
    }

    private static IEnumerable<string> References(JsonObject payload) => payload.Where(one => one.Key.EndsWith("AssetReference", StringComparison.Ordinal) && one.Value?.GetValueKind() == JsonValueKind.String).Select(one => (string)one.Value!);

    // ---- reporting ----

    /// <summary>What changed since the last report; or everything.</summary>
    public async Task ReportAsync(bool full, CancellationToken cancellation)
    {
        await _conversation.WaitAsync(cancellation);
        try
        {
            if (channel.Ended || !ipad.IsOnline)
            {
                _owesReport = true;
                return;
            }

            var values = Values(out var unknown);
            var report = new JsonObject { ["StatusItems"] = new JsonObject(), ["Errors"] = unknown };
            var changed = values.Where(item => full || _reported is null || _reported.GetValueOrDefault(item.Key) != item.Value).ToList();
            if (changed.Count == 0)
            {
                _owesReport = false;
                return;
            }

            foreach (var (name, value) in changed)
                Put(report["StatusItems"]!.AsObject(), name.Split('.'), JsonNode.Parse(value)!);
            if (full && ipad.MajorVersion >= 17)
                report["FullReport"] = true;
            var answer = await AskAsync("status", cancellation, Encoding.UTF8.GetBytes(report.ToJsonString()));
            if (!answer.Success)
            {
                _owesReport = true;
                return;
            }

            _reported = values;
            _owesReport = false;
        }
        finally
        {
            _conversation.Release();
        }
    }

    private static void Put(JsonObject into, ReadOnlySpan<string> path, JsonNode value)
    {
        if (path.Length == 1)
        {
            into[path[0]] = value;
            return;
        }

        if (into[path[0]] is not JsonObject inside)
            into[path[0]] = inside = new JsonObject();
        Put(inside, path[1..], value);
    }

    /// <summary>All that is subscribed, and what is always told, as JSON.</summary>
    private Dictionary<string, string> Values(out JsonArray unknown)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["management.client-capabilities"] = Capabilities().ToJsonString(),
            ["management.declarations"] = new JsonObject(Kinds.Select(one => KeyValuePair.Create<string, JsonNode?>(
                one.Kind is "management" ? "management" : one.Kind + "s", new JsonArray([.. Held.Where(held => held.Kind == one.Kind).Select(StateOf)])))).ToJsonString(),
        };
        unknown = [];
        var asked = Held.Where(one => one.Type == "com.apple.configuration.management.status-subscriptions" && IsActivated(one))
            .SelectMany(one => one.Payload["StatusItems"]?.AsArray() ?? []).Select(item => (string?)item?["Name"]).OfType<string>().Distinct(StringComparer.Ordinal);
        foreach (var name in asked)
        {
            if (Item(name) is { } value)
                values[name] = value.ToJsonString();
            else
                unknown.Add(new JsonObject { ["StatusItem"] = name, ["Reasons"] = new JsonArray(new JsonObject { ["Code"] = "Error.UnknownStatusItem" }) });
        }

        return values;
    }

    private JsonObject Capabilities()
    {
        var major = ipad.MajorVersion;
        string[] configurations =
        [
            "com.apple.configuration.management.status-subscriptions", "com.apple.configuration.passcode.settings", "com.apple.configuration.account.google", "com.apple.configuration.account.mail",
            .. major >= 17 ? new[] { DeclaredUpdate.Type, "com.apple.configuration.security.certificate" } : [],
            .. major >= 18 ? new[] { "com.apple.configuration.softwareupdate.settings", "com.apple.configuration.math.settings" } : [],
        ];
        return new JsonObject
        {
            ["supported-versions"] = new JsonArray("1.0.0"),
            ["supported-features"] = new JsonObject(),
            ["supported-payloads"] = new JsonObject
            {
                ["declarations"] = new JsonObject
                {
                    ["activations"] = new JsonArray("com.apple.activation.simple"),
                    ["assets"] = new JsonArray("com.apple.asset.useridentity", "com.apple.asset.credential.userpassword"),
                    ["configurations"] = new JsonArray([.. configurations.Select(name => JsonValue.Create(name))]),
                    ["management"] = new JsonArray("com.apple.management.organization-info", "com.apple.management.properties"),
                },
                ["status-items"] = new JsonArray([.. Items.Where(item => item.From <= major).Select(item => JsonValue.Create(item.Name))]),
            },
        };
    }

    private static readonly (string Name, int From)[] Items =
    [
        ("device.identifier.serial-number", 16), ("device.identifier.udid", 16), ("device.model.family", 15), ("device.model.identifier", 15), ("device.model.marketing-name", 15),
        ("device.operating-system.build-version", 15), ("device.operating-system.family", 15), ("device.operating-system.marketing-name", 15), ("device.operating-system.version", 15),
        ("device.operating-system.supplemental.build-version", 16), ("device.operating-system.supplemental.extra-version", 16), ("device.model.number", 17),
        ("softwareupdate.beta-enrollment", 18), ("softwareupdate.device-id", 18), ("device.power.battery-health", 17), ("passcode.is-compliant", 16), ("passcode.is-present", 16),
        ("softwareupdate.failure-reason", 17), ("softwareupdate.install-reason", 17), ("softwareupdate.install-state", 17), ("softwareupdate.pending-version", 17),
    ];

    private JsonNode? Item(string name)
    {
        if (!Items.Any(item => item.Name == name && item.From <= ipad.MajorVersion))
            return null;
        return name switch
        {
            "device.identifier.serial-number" => ipad.Description.SerialNumber,
            "device.identifier.udid" => ipad.Udid,
            "device.model.family" => "iPad",
            "device.model.identifier" => ipad.Description.ProductName,
            "device.model.marketing-name" => ipad.Description.ModelName,
            "device.operating-system.build-version" => ipad.BuildVersion,
            "device.operating-system.family" => "iPadOS",
            "device.operating-system.marketing-name" => $"iPadOS {ipad.OsVersion}",
            "device.operating-system.version" => ipad.OsVersion,
            "device.operating-system.supplemental.build-version" or "device.operating-system.supplemental.extra-version" or "softwareupdate.beta-enrollment" => "",
            "device.model.number" => ipad.Description.ModelNumber,
            "softwareupdate.device-id" => ipad.Description.ProductName,
            "device.power.battery-health" => "normal",
            "passcode.is-compliant" => true,
            "passcode.is-present" => ipad.PasscodeSet,
            "softwareupdate.install-state" => _update?.State ?? "none",
            "softwareupdate.install-reason" => _update?.Why is { } why ? new JsonObject { ["reason"] = new JsonArray(why) } : new JsonObject { ["reason"] = new JsonArray() },
            "softwareupdate.pending-version" => _update is { Release: { } release } update
                ? new JsonObject { ["os-version"] = release.Version, ["build-version"] = release.Build, ["target-local-date-time"] = update.Deadline.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture) }
                : new JsonObject { ["os-version"] = "", ["build-version"] = "" },
            _ => _update is { Failures: > 0 } failed ? new JsonObject { ["count"] = failed.Failures, ["reason"] = failed.Failure } : new JsonObject { ["count"] = 0 },
        };
    }

    private Task<MdmAnswer> AskAsync(string endpoint, CancellationToken cancellation, byte[]? data = null)
    {
        var keys = new List<KeyValuePair<string, object>> { new("Endpoint", endpoint) };
        if (data is not null)
            keys.Add(new("Data", data));
        return channel.CheckInAsync(MessageType, keys, cancellation, endpoint);
    }

    private void Violate(string what) => ipad.Journal.Write(JournalKind.Violation, channel.Name, detail: $"declarative management: {what}");
}

/// <summary>An update that is declared. <see href="https://developer.apple.com/documentation/devicemanagement/softwareupdateenforcementspecific"/></summary>
internal sealed record DeclaredUpdate(string Identifier, string ServerToken, string Version, string? Build, DateTime Deadline)
{
    public const string Type = "com.apple.configuration.softwareupdate.enforcement.specific";

    /// <summary>Null: it is not offered for this iPad now.</summary>
    public Release? Release { get; init; }
    public string State { get; init; } = "none";
    public string? Why { get; init; }
    public int Failures { get; init; }
    public string? Failure { get; init; }

    /// <summary>Null: it is not valid.</summary>
    public static DeclaredUpdate? Read(HeldDeclaration one) =>
        one.Payload["TargetOSVersion"] is JsonValue version && version.TryGetValue(out string? target) && one.Payload["TargetLocalDateTime"] is JsonValue time && time.TryGetValue(out string? local)
        && DateTime.TryParseExact(local, "yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out var deadline)
            ? new DeclaredUpdate(one.Identifier, one.ServerToken, target, (string?)one.Payload["TargetBuildVersion"], deadline)
            : null;

    /// <summary>As it was declared, without what became of it.</summary>
    public DeclaredUpdate Asked() => new(Identifier, ServerToken, Version, Build, Deadline);

    public bool IsMet(VirtualIPad ipad) => Parsed(ipad.OsVersion) >= Parsed(Version);

    /// <summary>With a third number this one, else the newest of the two.</summary>
    public Release? Offered(VirtualIPad ipad) =>
        Release.After(ipad.OsVersion) is { } next && (Build is null || Build == next.Build)
        && (next.Version == Version || (Version.Count(c => c == '.') == 1 && next.Version.StartsWith(Version + ".", StringComparison.Ordinal)))
            ? next
            : null;

    private static Version Parsed(string version) => System.Version.Parse(version.Contains('.', StringComparison.Ordinal) ? version : version + ".0");
}
