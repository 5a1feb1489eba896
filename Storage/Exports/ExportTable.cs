using System.Globalization;
using System.Text.Json;

namespace FleetMdm.Storage.Exports;

/// <summary>What a value of a column is.</summary>
public enum ExportKind
{
    Text,
    Number,
    Real,
    Flag,
    Time,
    /// <summary>One of a few words; stored as a number.</summary>
    Word,
    /// <summary>A text that is JSON.</summary>
    Json,
    /// <summary>Texts, one a line.</summary>
    Lines,
}

/// <summary>A column of an exported file. What is not named here leaves the server never: a column that is added to a table does not slip out.</summary>
public sealed record ExportColumn(string Name, ExportKind Kind)
{
    internal string Sql { get; init; } = "";
    internal Func<long, string?>? Word { get; init; }
}

/// <summary>A file of rows, and the statement that reads them.</summary>
public sealed record ExportTable
{
    /// <summary>Of the file, without its ending.</summary>
    public required string Name { get; init; }

    /// <summary>What a row is.</summary>
    public required string Words { get; init; }

    public required IReadOnlyList<ExportColumn> Columns { get; init; }

    /// <summary>Some values are lists or objects: no spreadsheet takes them.</summary>
    public bool IsNested => Columns.Any(column => column.Kind is ExportKind.Json or ExportKind.Lines);

    internal string From { get; init; } = "";
    internal string? Where { get; init; }
    /// <summary>Unique together, never null, and in an index in this order.</summary>
    internal IReadOnlyList<ExportKey> Keys { get; init; } = [];

    internal string Statement(bool goesOn)
    {
        string?[] conditions = [Where, goesOn ? After() : null];
        var where = string.Join(" AND ", conditions.OfType<string>());
        return $"""
            SELECT {string.Join(", ", [.. Columns.Select(column => column.Sql), .. Keys.Select(key => key.Sql)])} FROM {From}
            {(where.Length > 0 ? $"WHERE {where}" : "")}
            ORDER BY {string.Join(", ", Keys.Select(key => key.Descending ? key.Sql + " DESC" : key.Sql))} LIMIT @limit
            """;
    }

    private string After()
    {
        string Parameter(int i) => string.Create(CultureInfo.InvariantCulture, $"@key{i}");
        // The index is entered at the first key. Only the rest of its own rows are read in vain.
        if (Keys.Count == 2 && Keys[1].Descending)
            return $"{Keys[0].Sql} >= {Parameter(0)} AND ({Keys[0].Sql} > {Parameter(0)} OR {Keys[1].Sql} < {Parameter(1)})";
        return $"({string.Join(", ", Keys.Select(key => key.Sql))}) > ({string.Join(", ", Keys.Select((_, i) => Parameter(i)))})";
    }
}

/// <param name="Sql">A column.</param>
/// <param name="IsNumber">Else it is text.</param>
/// <param name="Descending">Only the second of two.</param>
internal sealed record ExportKey(string Sql, bool IsNumber = false, bool Descending = false);

/// <summary>Makes columns. The name outside follows from the one inside.</summary>
internal static class ExportColumns
{
    public static ExportColumn Text(string sql, string? name = null) => Of(sql, name, ExportKind.Text);

    public static ExportColumn Number(string sql, string? name = null) => Of(sql, name, ExportKind.Number);

    public static ExportColumn Real(string sql, string? name = null) => Of(sql, name, ExportKind.Real);

    public static ExportColumn Flag(string sql, string? name = null) => Of(sql, name, ExportKind.Flag);

    public static ExportColumn Time(string sql, string? name = null) => Of(sql, name, ExportKind.Time);

    public static ExportColumn Json(string sql, string? name = null) => Of(sql, name, ExportKind.Json);

    public static ExportColumn Lines(string sql, string? name = null) => Of(sql, name, ExportKind.Lines);

    /// <summary>The word of the enumeration with a small first letter, as REST has most.</summary>
    public static ExportColumn Word<T>(string sql, string? name = null) where T : struct, Enum =>
        Of(sql, name, ExportKind.Word) with { Word = number => Enum.GetName(typeof(T), ValueOf<T>(number)) is { } word ? JsonNamingPolicy.CamelCase.ConvertName(word) : null };

    /// <summary>The word with a large first letter, as REST has statuses of iPads and of commands.</summary>
    public static ExportColumn Title<T>(string sql, string? name = null) where T : struct, Enum =>
        Of(sql, name, ExportKind.Word) with { Word = number => Enum.GetName(typeof(T), ValueOf<T>(number)) };

    private static object ValueOf<T>(long number) => Enum.ToObject(typeof(T), number);

    private static ExportColumn Of(string sql, string? name, ExportKind kind) => new(name ?? NameOf(sql), kind) { Sql = sql };

    /// <summary>As in <c>d.serial_number</c>: serialNumber.</summary>
    private static string NameOf(string sql)
    {
        var words = sql[(sql.IndexOf('.', StringComparison.Ordinal) + 1)..].Split('_');
        return words[0] + string.Concat(words.Skip(1).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
    }
}
