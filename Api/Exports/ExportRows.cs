using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Exports;

namespace FleetMdm.Api.Exports;

/// <summary>Rows as CSV, or as one JSON object a line.</summary>
internal static class ExportRows
{
    private const int RowsAtATime = 1_000;

    public static string FileOf(ExportTable table) => table.Name + (table.IsNested ? ".jsonl" : ".csv");

    /// <summary>A table, page by page.</summary>
    public static async Task<long?> Write(ExportEntry entry, IExportStore store, ExportTable table, CancellationToken cancellation)
    {
        if (!table.IsNested) Csv.Row(entry.Text, [.. table.Columns.Select(column => column.Name)]);
        var lines = new ArrayBufferWriter<byte>();
        await using var json = new Utf8JsonWriter(lines);
        var count = 0L;
        ExportPosition? after = null;
        do
        {
            var page = await store.Read(table, after, RowsAtATime, cancellation);
            foreach (var row in page.Rows)
            {
                if (table.IsNested)
                    await Line(entry, json, lines, writer => Object(writer, table, row));
                else
                {
                    Csv.Row(entry.Text, [.. row.Select(Cell)]);
                    await entry.Pass();
                }
            }

            count += page.Rows.Count;
            after = page.Next;
        }
        while (after is not null);
        return count;
    }

    /// <summary>What REST shows, one a line.</summary>
    public static async Task<long?> Write<T>(ExportEntry entry, IAsyncEnumerable<T> views, JsonTypeInfo<T> type)
    {
        var lines = new ArrayBufferWriter<byte>();
        await using var json = new Utf8JsonWriter(lines);
        var count = 0L;
        await foreach (var view in views)
        {
            await Line(entry, json, lines, writer => JsonSerializer.Serialize(writer, view, type));
            count++;
        }

        return count;
    }

    private static async ValueTask Line(ExportEntry entry, Utf8JsonWriter json, ArrayBufferWriter<byte> line, Action<Utf8JsonWriter> write)
    {
        write(json);
        json.Flush();
        entry.Text.Append(Encoding.UTF8.GetString(line.WrittenSpan)).Append('\n');
        json.Reset();
        line.ResetWrittenCount();
        await entry.Pass();
    }

    private static void Object(Utf8JsonWriter json, ExportTable table, object?[] row)
    {
        json.WriteStartObject();
        for (var i = 0; i < row.Length; i++)
        {
            json.WritePropertyName(table.Columns[i].Name);
            Value(json, table.Columns[i].Kind, row[i]);
        }

        json.WriteEndObject();
    }

    private static void Value(Utf8JsonWriter json, ExportKind kind, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case string text when kind == ExportKind.Json:
                using (var read = Parse(text))
                {
                    if (read is null)
                        json.WriteStringValue(text);
                    else
                        read.WriteTo(json);
                }

                break;
            case string text when kind == ExportKind.Lines:
                json.WriteStartArray();
                foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries)) json.WriteStringValue(line);
                json.WriteEndArray();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case long number:
                json.WriteNumberValue(number);
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case DateTimeOffset at:
                json.WriteStringValue(Csv.Time(at));
                break;
        }
    }

    /// <summary>Null: it is none; a version that wrote another text there stops nobody from leaving.</summary>
    private static JsonDocument? Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Cell(object? value) => value switch
    {
        string text => text,
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => Csv.Number(number),
        true => "true",
        false => "false",
        DateTimeOffset at => Csv.Time(at),
        _ => null,
    };
}
