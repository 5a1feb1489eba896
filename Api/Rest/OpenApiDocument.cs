using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace FleetMdm.Api.Rest;

/// <summary><c>/openapi/v1.json</c>: the REST interface described. It holds no secrets and needs no login; the copy in
/// <c>docs/openapi-v1.json</c> is compared with it by a test.</summary>
internal static class OpenApiDocument
{
    public const string Path = "/openapi/v1.json";

    private const string BearerScheme = "bearer";

    public static void AddOpenApiDocument(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.ShouldInclude = description => description.RelativePath?.StartsWith("api/", StringComparison.Ordinal) == true;
        options.AddDocumentTransformer(Describe);
        options.AddOperationTransformer(DescribeOperation);
    });

    public static void MapOpenApiDocument(this RouteGroupBuilder admin) => admin.MapOpenApi("/openapi/{documentName}.json");

    /// <summary>The same document, for the pages.</summary>
    public static async Task<JsonObject> Read(IServiceProvider services, CancellationToken cancellationToken)
    {
        var document = await services.GetRequiredKeyedService<IOpenApiDocumentProvider>("v1").GetOpenApiDocumentAsync(cancellationToken);
        return JsonNode.Parse(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellationToken))!.AsObject();
    }

    private static Task Describe(Microsoft.OpenApi.OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "FleetMdm",
            Version = "v1",
            Description =
                """
                The administrators' interface. Errors are problem details (RFC 9457) with a stable `code`, and with `errors` that name the
                fields where fields are to blame. Lists are paged: send the `next` of a page as `after`. Every POST takes an
                `Idempotency-Key`: the same request with the same key is done once, however often it is sent within a day. 503 means that nothing
                was promised: repeat it after `Retry-After` seconds.
                """,
        };
        document.Servers = [];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [BearerScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "An API token (`fleetmdm_…`). The role viewer may read; the role administrator may change.",
            },
        };
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(BearerScheme, document)] = [] }];
        return Task.CompletedTask;
    }

    private static async Task DescribeOperation(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<DescribedBody>().LastOrDefault() is { } body)
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = body.Type is { } type
                    ? new Dictionary<string, OpenApiMediaType>
                    {
                        [RequestBody.Json] = new() { Schema = await Component(type, context, cancellationToken) },
                    }
                    : CommandBody(),
            };
        }

        if (metadata.OfType<IdempotentMetadata>().Any())
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = IdempotencyFilter.KeyHeader,
                In = ParameterLocation.Header,
                Description = "Made by the client for this request, at most 255 visible ASCII characters. A repetition within a day is answered as the first time, with `Idempotency-Replayed: true`.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = 255 },
            });
        }

        foreach (var parameter in operation.Parameters ?? [])
        {
            if (parameter is OpenApiParameter { In: ParameterLocation.Query, Schema: OpenApiSchema schema } query) Refine(query, schema);
        }
    }

    /// <summary>A shape by name, as those of the answers are.</summary>
    private static async Task<IOpenApiSchema> Component(Type type, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var schema = await context.GetOrCreateSchemaAsync(type, null, cancellationToken);
        if (context.Document is not { } document) return schema;
        document.AddComponent(type.Name, schema);
        return new OpenApiSchemaReference(type.Name, document);
    }

    private static void Refine(OpenApiParameter parameter, OpenApiSchema schema)
    {
        switch (parameter.Name)
        {
            case "limit":
                (schema.Type, schema.Minimum, schema.Maximum) = (JsonSchemaType.Integer, "1", "1000");
                schema.Default = JsonValue.Create(Page.DefaultLimit);
                break;
            case "expiresInHours":
                (schema.Type, schema.Minimum, schema.Maximum) = (JsonSchemaType.Integer, "1", "8760");
                break;
            case "push":
                (schema.Type, schema.Default) = (JsonSchemaType.Boolean, JsonValue.Create(true));
                break;
            case "seenBefore" or "seenAfter" or "expiresAt":
                schema.Format = "date-time";
                break;
        }
    }

    private static Dictionary<string, OpenApiMediaType> CommandBody() => new()
    {
        [RequestBody.Json] = new OpenApiMediaType
        {
            Schema = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Required = new HashSet<string> { "requestType" },
                Properties = new Dictionary<string, IOpenApiSchema>
                {
                    ["requestType"] = new OpenApiSchema
                    {
                        Type = JsonSchemaType.String,
                        Enum = [.. Protocol.Catalogue.CommandCatalogue.KnownRequestTypes.Select(name => (JsonNode)JsonValue.Create(name)!)],
                    },
                },
                Description = "Further fields are Apple's keys of this request type in camel case; data is Base64.",
            },
            Example = new JsonObject { ["requestType"] = "DeviceLock", ["message"] = "Please bring this iPad to the library" },
        },
        [RequestBody.Xml] = new OpenApiMediaType
        {
            Schema = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Description = "A property list: CommandUUID and Command, or the Command dictionary alone.",
            },
        },
    };
}
