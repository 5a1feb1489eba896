using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Hosting;

/// <summary>What <c>Http:RedirectListen</c> answers: for people who type the server's name without https.</summary>
internal static class Redirection
{
    /// <summary>
    /// Ends each request of that listener here, before routing. The host is always that of <c>Mdm:PublicUrl</c>: neither the Host header nor the
    /// path decides where a browser goes. Only reading is redirected: what carries a body must not travel in the clear a second time.
    /// </summary>
    public static void UseRedirection(this WebApplication app)
    {
        var origin = app.Services.GetRequiredService<IOptions<MdmOptions>>().Value.PublicUri.GetLeftPart(UriPartial.Authority);
        app.Use((context, next) =>
        {
            if (context.Features.Get<ListenerFeature>() is not { Side: Side.Redirect }) return next(context);
            var (request, response) = (context.Request, context.Response);
            if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
            {
                response.StatusCode = StatusCodes.Status301MovedPermanently;
                response.Headers.Location = origin + request.Path.ToUriComponent() + request.QueryString.ToUriComponent();
            }
            else
            {
                response.StatusCode = StatusCodes.Status405MethodNotAllowed;
                response.Headers.Allow = "GET, HEAD";
            }

            return Task.CompletedTask;
        });
    }
}
