using System.Text;

namespace FleetMdm.Api.Rest;

/// <summary>A list of pages as CSV: a file of any length costs the memory of one page.</summary>
/// <param name="fileName">As it is saved.</param>
/// <param name="columns">Their names.</param>
/// <param name="first">Read before the answer begins, so that what is wrong can still be said.</param>
/// <param name="next">Reads the page after this cursor.</param>
/// <param name="row">Writes one.</param>
internal sealed class CsvPages<T>(string fileName, string[] columns, Page<T> first, Func<string, Task<Page<T>>> next, Action<StringBuilder, T> row) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.ContentType = Csv.ContentType;
        response.Headers.ContentDisposition = $"attachment; filename=\"{fileName}\"";
        response.Headers.CacheControl = "no-store";
        var text = new StringBuilder();
        Csv.Row(text, columns);
        for (var page = first; ; page = await next(page.Next))
        {
            foreach (var one in page.Items) row(text, one);
            await response.WriteAsync(text.ToString(), httpContext.RequestAborted);
            if (page.Next is null) return;
            text.Clear();
        }
    }
}
