using System.Text.Json;

namespace FleetMdm.Storage;

/// <summary>What a person's rights cover: the whole district, or some schools. Each store method that lists or reads for a person takes it first, and applies it
/// in its statement: what it does not cover does not exist.</summary>
public sealed class Scope
{
    private Scope(IReadOnlyList<string>? schoolIds) => SchoolIds = schoolIds;

    public static Scope District { get; } = new(null);

    /// <summary>Null: all schools, and what belongs to none.</summary>
    public IReadOnlyList<string>? SchoolIds { get; }

    public static Scope Of(IEnumerable<string> schoolIds) => new([.. schoolIds]);

    /// <summary>A condition on a column that holds the id of a school. The statement is given the scope too: <see cref="ScopedStatement.Within"/>.</summary>
    internal string Covers(Database database, string column) =>
        SchoolIds is null ? "1 = 1" : $"{column} IN ({database.JsonElements(ScopedStatement.Parameter)})";

    /// <summary>A condition on <c>devices d</c>: an iPad names its school by the school's name.</summary>
    internal string CoversDevice(Database database) => SchoolIds is null
        ? "1 = 1"
        : CoversName(database, "d.school");

    /// <summary>A condition on a column that holds the name of a school. What names none, or one that does not exist, is the district's alone.</summary>
    internal string CoversName(Database database, string column) => SchoolIds is null
        ? "1 = 1"
        : $"({column} IS NOT NULL AND {database.IsOneOf(column, $"SELECT cs.name FROM schools cs WHERE {Covers(database, "cs.id")}")})";

    /// <summary>A condition on a column that holds the ids of schools as JSON, null for the whole district: all of them are covered.</summary>
    internal string CoversAll(Database database, string column) => SchoolIds is null
        ? "1 = 1"
        : $"({column} IS NOT NULL AND NOT EXISTS ({database.JsonElements(column)} EXCEPT {database.JsonElements(ScopedStatement.Parameter)}))";

    /// <summary>Whether this one reaches no further than the other one.</summary>
    public bool IsWithin(Scope other) => other.SchoolIds is null || (SchoolIds is { } ids && ids.All(other.SchoolIds.Contains));

    /// <summary>As a column holds it; null: the whole district.</summary>
    internal string? Stored => SchoolIds is null ? null : JsonSerializer.Serialize(SchoolIds);

    internal static Scope Read(string? stored) => stored is null ? District : Of(JsonSerializer.Deserialize<string[]>(stored) ?? []);

    /// <summary>One more condition on <c>devices d</c>; empty for the whole district, whose statements stay as they are.</summary>
    internal string AndDevice(Database database) => SchoolIds is null ? "" : $" AND {CoversDevice(database)}";
}

internal static class ScopedStatement
{
    public const string Parameter = "@scope";

    public static Statement Within(this Statement statement, Scope scope) =>
        scope.Stored is { } ids ? statement.Text(Parameter, ids) : statement;
}
