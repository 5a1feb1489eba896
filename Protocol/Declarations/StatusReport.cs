using System.Text;
using System.Text.Json;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Declarations;

/// <summary>Why a declaration is as it is, as an iPad says.</summary>
/// <param name="Code">As in <c>Error.ConfigurationIsInvalid</c>.</param>
/// <param name="Details">JSON, as it came, cut.</param>
public sealed record StatusReason(string Code, string? Description, string? Details);

/// <summary>What an iPad says of one declaration.</summary>
/// <param name="Kind">activations, configurations, assets or management.</param>
/// <param name="Valid">valid, invalid or unknown.</param>
public sealed record DeclarationState(string Kind, string Identifier, string ServerToken, bool Active, string Valid, IReadOnlyList<StatusReason> Reasons)
{
    /// <summary>With reasons, "unknown" is a failure too: the iPad has looked at it.</summary>
    public bool HasFailed => Valid == "invalid" || (Valid != "valid" && Reasons.Any(reason => reason.Code.StartsWith("Error.", StringComparison.Ordinal)));

    public bool IsInForce => Valid == "valid" && Active;
}

/// <summary>An item that an iPad could not report.</summary>
public sealed record StatusItemError(string Item, IReadOnlyList<StatusReason> Reasons);

/// <summary>
/// A status report of an iPad, read once. What is not known is passed over: an iPad sends a refused report again and again.
/// <see href="https://developer.apple.com/documentation/devicemanagement/statusreport"/>
/// </summary>
/// <param name="IsFull">It replaces everything that was said before.</param>
/// <param name="Items">By name, as in <c>device.model.family</c>: the value as JSON. No lists, and not what is said of declarations.</param>
/// <param name="Declarations">Null: nothing was said of them.</param>
/// <param name="Gone">Of the declarations: <c>KIND/IDENTIFIER</c> of those that are there no more.</param>
public sealed record StatusReport(
    bool IsFull, IReadOnlyDictionary<string, string> Items, IReadOnlyList<DeclarationState>? Declarations, IReadOnlySet<string> Gone, IReadOnlyList<StatusItemError> Errors)
{
    /// <summary>Bytes, of a whole report. A full one with all that iPads tell has some thousands.</summary>
    public const int MostBytes = 1024 * 1024;

    public const string Capabilities = "management.client-capabilities";

    /// <summary>Characters of one value; longer ones are passed over.</summary>
    internal const int LongestValue = 16 * 1024;

    internal const int MostDeclarations = 1000;

    private const int MostReasons = 10;
    private const int MostErrors = 50;
    private const int LongestDescription = 500;
    private const int LongestDetails = 1000;
    internal const string DeclarationsItem = "management.declarations";

    internal static readonly string[] Kinds = ["activations", "assets", "configurations", "management"];

    private static readonly Lazy<(string Name, string[] Path)[]> Known = new(() =>
    [
        .. AppleCatalogue.Instance.StatusItems.Values
            .Where(item => item.Name != DeclarationsItem && !item.Name.StartsWith("test.", StringComparison.Ordinal))
            // They wake the iPad, and belong to the enrolment.
            .Where(item => item.Name is not ("mdm.push-magic" or "mdm.push-token"))
            .Select(item => (item.Name, item.Name.Split('.'))).OrderBy(item => item.Name, StringComparer.Ordinal),
    ]);

    /// <exception cref="FormatException">It is no report.</exception>
    public static StatusReport Read(ReadOnlyMemory<byte> data)
    {
        try
        {
            using var document = JsonDocument.Parse(data);
            return Read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second: half of a surrogate pair in a text.
            throw new FormatException("The status report is not valid JSON.", e);
        }
    }

    private static StatusReport Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new FormatException("The status report is not an object.");
        var items = new SortedDictionary<string, string>(StringComparer.Ordinal);
        List<DeclarationState>? declarations = null;
        var gone = new HashSet<string>(StringComparer.Ordinal);
        if (root.TryGetProperty("StatusItems", out var told) && told.ValueKind == JsonValueKind.Object)
        {
            foreach (var (name, path) in Known.Value)
            {
                if (At(told, path) is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined or JsonValueKind.Array) } value && value.GetRawText() is { Length: <= LongestValue } raw)
                    items[name] = Compact(raw, value);
            }

            if (At(told, "management", "declarations") is { ValueKind: JsonValueKind.Object } processed)
            {
                declarations = [];
                foreach (var kind in Kinds)
                {
                    if (!processed.TryGetProperty(kind, out var list) || list.ValueKind != JsonValueKind.Array)
                        continue;
                    foreach (var one in list.EnumerateArray())
                        Take(kind, one, declarations, gone);
                }
            }
        }

        var errors = root.TryGetProperty("Errors", out var failed) && failed.ValueKind == JsonValueKind.Array
            ? failed.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.Object && Text(one, "StatusItem") is not null).Take(MostErrors)
                .Select(one => new StatusItemError(Cut(Text(one, "StatusItem")!, LongestDescription), Reasons(one, "Reasons", "Code", "Description", "Details")))
                .OrderBy(one => one.Item, StringComparer.Ordinal).ToList()
            : [];
        var isFull = root.TryGetProperty("FullReport", out var full) && full.ValueKind == JsonValueKind.True;
        return new StatusReport(isFull, items, declarations, gone, errors);
    }

    private static void Take(string kind, JsonElement one, List<DeclarationState> declarations, HashSet<string> gone)
    {
        if (one.ValueKind != JsonValueKind.Object || Text(one, "identifier") is not { Length: > 0 and <= Declaration.LongestName } identifier)
            return;
        if (one.TryGetProperty("_removed", out var removed) && removed.ValueKind == JsonValueKind.True)
        {
            gone.Add($"{kind}/{identifier}");
            return;
        }

        if (declarations.Count < MostDeclarations)
        {
            declarations.Add(new DeclarationState(
                kind, identifier, Cut(Text(one, "server-token") ?? "", Declaration.LongestName),
                one.TryGetProperty("active", out var active) && active.ValueKind == JsonValueKind.True,
                Text(one, "valid") is { } valid and ("valid" or "invalid") ? valid : "unknown",
                Reasons(one, "reasons", "code", "description", "details")));
        }
    }

    private static IReadOnlyList<StatusReason> Reasons(JsonElement holder, string list, string code, string description, string details) =>
        holder.TryGetProperty(list, out var reasons) && reasons.ValueKind == JsonValueKind.Array
            ? [
                .. reasons.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.Object).Take(MostReasons).Select(one => new StatusReason(
                    Cut(Text(one, code) ?? "Error.Unknown", LongestDescription),
                    Text(one, description) is { Length: > 0 } words ? Cut(words, LongestDescription) : null,
                    one.TryGetProperty(details, out var more) && more.ValueKind == JsonValueKind.Object ? Cut(Compact(more.GetRawText(), more), LongestDetails) : null)),
            ]
            : [];

    private static JsonElement? At(JsonElement element, params string[] path)
    {
        foreach (var step in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(step, out element))
                return null;
        }

        return element;
    }

    private static string? Text(JsonElement holder, string member) =>
        holder.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? Clean(value.GetString()!) : null;

    /// <summary>No database keeps a zero.</summary>
    private static string Clean(string text) => text.Contains('\0', StringComparison.Ordinal) ? text.Replace("\0", "", StringComparison.Ordinal) : text;

    private static string Cut(string text, int most) => PlistText.Cut(text, most);

    /// <summary>However it was indented. A text that is not Unicode throws here, and not where somebody wants to read it.</summary>
    private static string Compact(string raw, JsonElement value) =>
        Clean(value.ValueKind is JsonValueKind.Object or JsonValueKind.String ? Encoding.UTF8.GetString(DeclarationJson.Write(writer => value.WriteTo(writer))) : raw);
}

/// <summary>All that an iPad has said of itself by status reports: what is kept.</summary>
/// <param name="Items">By name: the value as JSON.</param>
/// <param name="Declarations">By kind and identifier.</param>
public sealed record DeviceStatus(IReadOnlyDictionary<string, string> Items, IReadOnlyList<DeclarationState> Declarations, IReadOnlyList<StatusItemError> Errors)
{
    public static readonly DeviceStatus Nothing = new(new SortedDictionary<string, string>(StringComparer.Ordinal), [], []);

    /// <summary>With what a report says: a full one replaces, another one is laid over.</summary>
    /// <param name="wanted">The ServerToken that a declaration should have: of two entries of one declaration, that one counts. Null: none.</param>
    public DeviceStatus With(StatusReport report, Func<string, string, string?> wanted)
    {
        var items = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in report.IsFull ? Nothing.Items : Items)
            items[name] = value;
        foreach (var (name, value) in report.Items)
            items[name] = value;

        var declarations = new SortedDictionary<string, DeclarationState>(StringComparer.Ordinal);
        // A full one that is silent about declarations says that there are none, unless it could not tell.
        if (!report.IsFull || (report.Declarations is null && report.Errors.Any(one => one.Item == StatusReport.DeclarationsItem)))
        {
            foreach (var one in Declarations)
                declarations[Key(one)] = one;
        }

        foreach (var gone in report.Gone)
            declarations.Remove(gone);
        var said = new HashSet<string>(StringComparer.Ordinal);
        foreach (var one in report.Declarations ?? [])
        {
            if (!said.Add(Key(one)) && wanted(one.Kind, one.Identifier) is { } token && token != one.ServerToken)
                continue;
            declarations[Key(one)] = one;
        }

        return new DeviceStatus(items, [.. declarations.Values.Take(StatusReport.MostDeclarations)], report.IsFull || report.Errors.Count > 0 ? report.Errors : Errors);
    }

    public DeclarationState? Find(string kind, string identifier) => Declarations.FirstOrDefault(one => one.Kind == kind && one.Identifier == identifier);

    /// <summary>As status reports name the lists of declarations.</summary>
    public static string ListOf(DeclarationKind kind) => kind switch
    {
        DeclarationKind.Activation => "activations",
        DeclarationKind.Configuration => "configurations",
        DeclarationKind.Asset => "assets",
        _ => "management",
    };

    /// <summary>A text; null: it was not told, or is none.</summary>
    public string? Text(string item) => Value(item, value => value.ValueKind == JsonValueKind.String ? value.GetString() : null);

    public bool? Flag(string item) => Value(item, value => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => (bool?)false,
        _ => null,
    });

    /// <summary>A member of an item that is an object; null: it is not there, or no text and no number.</summary>
    public string? Member(string item, string member) => Value(item, value =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(member, out var inside)
            ? inside.ValueKind switch
            {
                JsonValueKind.String => inside.GetString(),
                JsonValueKind.Number => inside.GetRawText(),
                _ => null,
            }
            : null);

    /// <summary>The types of declarations of a kind that the iPad knows; null: it has not said.</summary>
    /// <param name="kind">As in <c>configurations</c>.</param>
    public IReadOnlySet<string>? Supported(string kind) => Value<IReadOnlySet<string>>(StatusReport.Capabilities, value =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty("supported-payloads", out var payloads) && payloads.ValueKind == JsonValueKind.Object
        && payloads.TryGetProperty("declarations", out var declarations) && declarations.ValueKind == JsonValueKind.Object
        && declarations.TryGetProperty(kind, out var list)
            ? Texts(list)
            : null);

    /// <summary>The status items that the iPad can report; null: it has not said.</summary>
    public IReadOnlySet<string>? SupportedItems() => Value<IReadOnlySet<string>>(StatusReport.Capabilities, value =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty("supported-payloads", out var payloads) && payloads.ValueKind == JsonValueKind.Object
        && payloads.TryGetProperty("status-items", out var list)
            ? Texts(list)
            : null);

    /// <summary>To be stored: the same bytes for the same status.</summary>
    public string ToJson() => Encoding.UTF8.GetString(DeclarationJson.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("items");
        foreach (var (name, value) in Items)
        {
            writer.WritePropertyName(name);
            writer.WriteRawValue(value);
        }

        writer.WriteEndObject();
        writer.WriteStartArray("declarations");
        foreach (var one in Declarations)
        {
            writer.WriteStartObject();
            writer.WriteString("kind", one.Kind);
            writer.WriteString("identifier", one.Identifier);
            writer.WriteString("token", one.ServerToken);
            writer.WriteBoolean("active", one.Active);
            writer.WriteString("valid", one.Valid);
            Write(writer, one.Reasons);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("errors");
        foreach (var one in Errors)
        {
            writer.WriteStartObject();
            writer.WriteString("item", one.Item);
            Write(writer, one.Reasons);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }));

    /// <summary>What <see cref="ToJson"/> wrote; null: nothing was.</summary>
    public static DeviceStatus Read(string? json)
    {
        if (json is null)
            return Nothing;
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var items = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var item in root.GetProperty("items").EnumerateObject())
            items[item.Name] = item.Value.GetRawText();
        return new DeviceStatus(
            items,
            [
                .. root.GetProperty("declarations").EnumerateArray().Select(one => new DeclarationState(
                    one.GetProperty("kind").GetString()!, one.GetProperty("identifier").GetString()!, one.GetProperty("token").GetString()!,
                    one.GetProperty("active").GetBoolean(), one.GetProperty("valid").GetString()!, ReadReasons(one))),
            ],
            [.. root.GetProperty("errors").EnumerateArray().Select(one => new StatusItemError(one.GetProperty("item").GetString()!, ReadReasons(one)))]);
    }

    private static void Write(Utf8JsonWriter writer, IReadOnlyList<StatusReason> reasons)
    {
        writer.WriteStartArray("reasons");
        foreach (var reason in reasons)
        {
            writer.WriteStartObject();
            writer.WriteString("code", reason.Code);
            writer.WriteString("description", reason.Description);
            writer.WriteString("details", reason.Details);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static IReadOnlyList<StatusReason> ReadReasons(JsonElement holder) =>
    [
        .. holder.GetProperty("reasons").EnumerateArray().Select(one =>
            new StatusReason(one.GetProperty("code").GetString()!, one.GetProperty("description").GetString(), one.GetProperty("details").GetString())),
    ];

    private T? Value<T>(string item, Func<JsonElement, T?> read)
    {
        if (!Items.TryGetValue(item, out var json))
            return default;
        using var document = JsonDocument.Parse(json);
        return read(document.RootElement);
    }

    private static HashSet<string>? Texts(JsonElement list) => list.ValueKind == JsonValueKind.Array
        ? list.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.String).Select(one => one.GetString()!).ToHashSet(StringComparer.Ordinal)
        : null;

    private static string Key(DeclarationState one) => $"{one.Kind}/{one.Identifier}";
}
