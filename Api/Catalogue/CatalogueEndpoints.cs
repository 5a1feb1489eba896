using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Catalogue;

/// <summary><c>/api/v1/command-types</c> and <c>/api/v1/payload-types</c>.</summary>
internal static class CatalogueEndpoints
{
    /// <summary>Kept by whoever asks, and compared each time: an upgrade of the server may change it.</summary>
    private const string Compared = "private, no-cache";

    public static void MapRest(RouteGroupBuilder api)
    {
        var catalogue = api.MapGroup("").ForEverybodySignedIn("It is what Apple publishes.").WithTags("Catalogue");
        catalogue.MapGet("/command-types", ListCommands).Produces<Page<CommandTypeView>>().Produces(304).Fails();
        catalogue.MapGet("/command-types/{name}", GetCommand).Produces<CommandTypeView>().Produces(304).Fails(404);
        catalogue.MapGet("/payload-types", ListPayloads).Produces<Page<PayloadTypeView>>().Produces(304).Fails();
        catalogue.MapGet("/payload-types/{name}", GetPayload).Produces<Page<PayloadTypeView>>().Produces(304).Fails(404);
    }

    /// <summary>List the commands of iPadOS, with a JSON Schema each</summary>
    /// <remarks>The list is whole, on one page. It changes with the version of the server only: send <c>If-None-Match</c> with the <c>ETag</c> of
    /// the answer before.</remarks>
    public static IResult ListCommands(HttpContext context, CatalogueAnswers answers) => Say(context, answers.Commands.All);

    /// <summary>One command of iPadOS</summary>
    /// <param name="name">Its RequestType, as in DeviceLock.</param>
    public static IResult GetCommand(string name, HttpContext context, CatalogueAnswers answers) =>
        Say(context, answers.Commands.ByName.GetValueOrDefault(name) ?? throw ApiProblem.NotFound("iPadOS has no command of this name."));

    /// <summary>List the payloads that profiles for iPads can have, with a JSON Schema each</summary>
    /// <remarks>The list is whole, on one page. It changes with the version of the server only: send <c>If-None-Match</c> with the <c>ETag</c> of
    /// the answer before.</remarks>
    public static IResult ListPayloads(HttpContext context, CatalogueAnswers answers) => Say(context, answers.Payloads.All);

    /// <summary>One payload type, with its variants</summary>
    /// <param name="name">Its PayloadType, as in com.apple.wifi.managed.</param>
    public static IResult GetPayload(string name, HttpContext context, CatalogueAnswers answers) =>
        Say(context, answers.Payloads.ByName.GetValueOrDefault(name) ?? throw ApiProblem.NotFound("iPads know no payload of this type."));

    private static IResult Say(HttpContext context, Answer answer)
    {
        context.Response.Headers.CacheControl = Compared;
        return TypedResults.Bytes(answer.Json, RequestBody.Json, entityTag: answer.Tag);
    }
}
