using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.Audit;

/// <summary>Records as CSV or as JSON lines, page by page from the store: a file of any length costs the memory of one page.</summary>
/// <param name="lines">JSON, one object a line; else CSV.</param>
internal sealed class AuditExport(IAuditStore store, AuditFilter filter, IReadOnlyList<AuditRecord> first, bool lines) : IResult
{
    public const string LinesContentType = "application/jsonl";

    private const string Header = "at,actorKind,actorId,actorName,address,verb,targetKind,targetId,subject,detail,count,reason,result,right,id\r\n";

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.ContentType = lines ? LinesContentType : Csv.ContentType;
        response.Headers.ContentDisposition = $"attachment; filename=\"audit.{(lines ? "jsonl" : "csv")}\"";
        response.Headers.CacheControl = "no-store";
        if (!lines) await response.WriteAsync(Header, httpContext.RequestAborted);
        for (var rows = first; ; rows = await store.List(filter, rows[^1].Id, AuditEndpoints.RowsAtATime))
        {
            await response.Body.WriteAsync(lines ? Lines(rows) : Rows(rows), httpContext.RequestAborted);
            if (rows.Count < AuditEndpoints.RowsAtATime) return;
        }
    }

    private static ReadOnlyMemory<byte> Lines(IReadOnlyList<AuditRecord> rows)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        foreach (var row in rows)
        {
            JsonSerializer.Serialize(json, AuditView.Of(row), AdminJson.Default.AuditView);
            json.Flush();
            json.Reset();
            buffer.Write("\n"u8);
        }

        return buffer.WrittenMemory;
    }

    private static ReadOnlyMemory<byte> Rows(IReadOnlyList<AuditRecord> rows)
    {
        var text = new StringBuilder();
        foreach (var row in rows.Select(AuditView.Of))
        {
            Csv.Row(text,
                Csv.Time(row.At), row.ActorKind, row.ActorId, row.ActorName, row.Address, row.Verb, row.TargetKind, row.TargetId, row.Subject, row.Detail,
                row.Count?.ToString(CultureInfo.InvariantCulture), row.Reason, row.Result, row.Right, row.Id);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
