using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using Microsoft.AspNetCore.Http.Features;

namespace FleetMdm.Api.Console;

/// <summary>The fields of a form that can carry a file.</summary>
internal sealed class UploadForm(IFormCollection fields)
{
    private const int LargestForm = 6 * 1024 * 1024;
    private const int MostFields = 32;
    private const int LongestValue = 16 * 1024;

    /// <summary>The fields, with the request bound to the form's key.</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="ids">Bound to the form's key.</param>
    /// <param name="largest">In bytes.</param>
    public static async Task<UploadForm> Read(HttpContext context, RequestIds ids, int largest = LargestForm)
    {
        RequestBody.RequireMediaType(context.Request, "multipart/form-data", "application/x-www-form-urlencoded");
        if (context.Request.ContentLength > largest) throw TooLarge();
        try
        {
            var form = new UploadForm(await context.Request.ReadFormAsync(
                new FormOptions { MultipartBodyLengthLimit = largest, ValueCountLimit = MostFields, ValueLengthLimit = LongestValue }, context.RequestAborted));
            if (form.Get("key") is { Length: <= PageForms.LongestKey } key)
                await ids.Bind(context, $"{FleetUser.Of(context).TokenId} {context.Request.Path}", key, claimedAt: null);
            return form;
        }
        catch (InvalidDataException)
        {
            throw TooLarge();
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "The form is not valid", "The form ends too early.");
        }
    }

    /// <summary>The value of a field; null when it is absent or empty.</summary>
    public string? Get(string field) =>
        fields.TryGetValue(field, out var values) && values.Count == 1 && !string.IsNullOrWhiteSpace(values[0]) ? values[0] : null;

    /// <summary>The bytes of a file; null when none was chosen.</summary>
    public async Task<byte[]?> File(string field, CancellationToken cancellationToken)
    {
        if (fields.Files.GetFile(field) is not { Length: > 0 } file) return null;
        using var content = new MemoryStream();
        await file.CopyToAsync(content, cancellationToken);
        return content.ToArray();
    }

    private static ApiProblem TooLarge() => new(
        StatusCodes.Status413PayloadTooLarge, ProblemCodes.BodyTooLarge, "The form is too large", "The form or its file is too large: a profile may have at most 4 MB, a list 24 MB.");
}
