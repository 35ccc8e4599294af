// Says in words why a passkey was not used: the browser's own window was closed, or there is no key for this place.
document.addEventListener('allauth.error', (event) => {
  event.preventDefault()
  const place = document.getElementById('passkey-error')
  if (!place) return
  const name = event.detail.exception && event.detail.exception.name
  place.hidden = false
  place.textContent = name === 'NotAllowedError'
    ? 'No passkey was given. Try again, or use another way.'
    : 'This browser or address cannot use a passkey. Use another way.'
})
