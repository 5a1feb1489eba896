using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.Audit;

/// <summary>The filter of the audit, as it stands in an address.</summary>
/// <param name="Who">A token's or iPad's id, or a token's name at the time.</param>
/// <param name="Verb">Exactly, or a prefix that ends in a dot.</param>
public sealed record AuditQuery(string? Who, string? Verb, string? TargetKind, string? Target, string? From, string? To, string? Result)
{
    public static readonly string[] Names = ["who", "verb", "targetKind", "target", "from", "to", "result"];

    /// <summary>A field that is empty is not set: forms send all.</summary>
    public static AuditQuery Of(HttpRequest request)
    {
        string? Value(string name) => request.Query[name] is { Count: > 0 } values && !string.IsNullOrWhiteSpace(values[0]) ? values[0]!.Trim() : null;
        return new AuditQuery(Value("who"), Value("verb"), Value("targetKind"), Value("target"), Value("from"), Value("to"), Value("result")) { TakesDays = true };
    }

    /// <summary>A day alone is its beginning in UTC, as the page shows times. Programs write the whole time.</summary>
    private bool TakesDays { get; init; }

    /// <exception cref="ApiProblem">A part cannot be understood.</exception>
    public AuditFilter Filter => new()
    {
        Who = Text.Optional("who", Who, 300),
        Verb = Text.Optional("verb", Verb),
        TargetKind = Text.Optional("targetKind", TargetKind),
        Target = Text.Optional("target", Target, 300),
        From = Text.Time("from", Whole(From)),
        To = Text.Time("to", Whole(To)),
        Result = Text.Name<AuditResult>("result", Result),
    };

    private string? Whole(string? time) => TakesDays && DateOnly.TryParseExact(time, "yyyy-MM-dd", out _) ? $"{time}T00:00:00Z" : time;

    /// <summary>For programs.</summary>
    public string ApiPathOf(string path) => (this with { From = Whole(From), To = Whole(To) }).PathOf(path);

    public string PathOf(string path, string? after = null) => Path(path, [.. Parts(), ("after", after)]);

    /// <summary>The same without one part.</summary>
    public string PathWithout(string path, string name) => Path(path, Parts().Where(part => part.Name != name));

    private (string Name, string? Value)[] Parts() =>
        [("who", Who), ("verb", Verb), ("targetKind", TargetKind), ("target", Target), ("from", From), ("to", To), ("result", Result)];

    private static string Path(string path, IEnumerable<(string Name, string? Value)> parts) =>
        path + parts.Where(part => part.Value is not null).Aggregate(QueryString.Empty, (query, part) => query.Add(part.Name, part.Value!)).ToUriComponent();
}
